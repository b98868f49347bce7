// LLVM compiler: bitcode, constants, attributes, O3, object. Each compilation has its own LLVMContext, so any
// number may run at once.

#include "codegen/llvm_compiler.h"

#include <fmt/format.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/Internalize.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "codegen/elf_symbols.h"
#include "codegen/embedded_templates.h"
#include "codegen/host_cpu.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

constexpr std::string_view kFieldPrefix = "nsajit_field_";

// What went wrong with this candidate. Travels inside this file only: LLVM's frames see no exception, since each
// is thrown and caught between calls of LLVM.
struct Refusal {
  std::string reason;
};

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
  });
}

// Diagnostics of passes and of inline assembly go to the log, not to stderr.
struct LogHandler final : llvm::DiagnosticHandler {
  explicit LogHandler(std::string& log_text) : log(log_text) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    llvm::raw_string_ostream stream(log);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    stream << '\n';
    has_error |= info.getSeverity() == llvm::DS_Error;
    return true;
  }
  std::string& log;
  bool has_error = false;
};

std::unique_ptr<llvm::Module> parse_template(const KernelSource& source, llvm::LLVMContext& context) {
  const auto bitcode = find_embedded(source.template_path);
  if (!bitcode)
    throw Error(ErrorCode::NotFound, fmt::format("compile {}: the bitcode module '{}' is not in this build",
                                                 source.name, source.template_path));
  auto module = llvm::parseBitcodeFile(llvm::MemoryBufferRef({bitcode->data(), bitcode->size()}, source.name), context);
  if (!module)
    throw Refusal{fmt::format("read bitcode '{}': {}", source.template_path, llvm::toString(module.takeError()))};
  return std::move(*module);
}

// Every declared constant gets its value. A value that the template does not declare concerns another variant.
void fix_fields(llvm::Module& module, const KernelSource& source) {
  for (llvm::GlobalVariable& variable : module.globals()) {
    const std::string name = variable.getName().str();
    if (!name.starts_with(kFieldPrefix)) continue;
    const auto field =
        std::ranges::find(source.fields, name.substr(kFieldPrefix.size()), &std::pair<std::string, int>::first);
    if (field == source.fields.end())
      throw Refusal{fmt::format("the template '{}' declares '{}', and {} gives it no value", source.template_path, name,
                                source.name)};
    if (!variable.getValueType()->isIntegerTy(32))
      throw Refusal{
          fmt::format("the template '{}' declares '{}' as something else than const int", source.template_path, name)};
    variable.setInitializer(llvm::ConstantInt::getSigned(variable.getValueType(), field->second));
    variable.setConstant(true);
    variable.setLinkage(llvm::GlobalValue::InternalLinkage);
    variable.setVisibility(llvm::GlobalValue::DefaultVisibility);
    variable.setDSOLocal(true);
  }
}

void keep_entries_only(llvm::Module& module, const KernelSource& source) {
  for (const std::string& entry : source.entries) {
    const llvm::Function* function = module.getFunction(entry);
    if (!function || function->isDeclaration())
      throw Refusal{fmt::format("the template '{}' defines no function '{}': it must be extern \"C\"",
                                source.template_path, entry)};
    module.getFunction(entry)->setVisibility(llvm::GlobalValue::DefaultVisibility);  // the loader looks it up by name
  }
  llvm::internalizeModule(module, [&](const llvm::GlobalValue& value) {
    return std::ranges::find(source.entries, value.getName().str()) != source.entries.end();
  });
}

// The bitcode was made for the plainest CPU of its family; the features of this one replace that everywhere.
void set_cpu(llvm::Module& module, const std::string& cpu, const std::string& features) {
  const bool zmm = features.find("+avx512f") != std::string::npos;
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.removeFnAttr("tune-cpu");
    function.addFnAttr("target-cpu", cpu);
    function.addFnAttr("target-features", features);
    // LLVM's default of 256 bits halves the width of every loop on AVX-512 machines.
    if (zmm) function.addFnAttr("prefer-vector-width", "512");
  }
}

void verify(const llvm::Module& module, std::string_view when) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  // LLVM is built without assertions: a broken module would crash in some later pass.
  if (llvm::verifyModule(module, &stream)) throw Refusal{fmt::format("the module is broken {}: {}", when, text)};
}

std::unique_ptr<llvm::TargetMachine> make_machine(const llvm::Module& module, const std::string& cpu,
                                                  const std::string& features) {
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(module.getTargetTriple(), error);
  if (!target)
    throw Error(ErrorCode::Unsupported,
                fmt::format("LLVM has no code generator for '{}': {}", module.getTargetTriple(), error));
  // PIC and the small model: what JITLink places anywhere in memory without stubs for far data.
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(module.getTargetTriple(), cpu, features, {},
                                                                          llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                          llvm::CodeGenOptLevel::Aggressive));
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopInterleaving = tuning.LoopUnrolling = true;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

std::vector<std::byte> emit_object(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    throw Error(ErrorCode::Unsupported, "this LLVM target cannot emit object files");
  passes.run(module);
  const auto view = std::as_bytes(std::span(bytes.data(), bytes.size()));
  return {view.begin(), view.end()};
}

std::vector<EntryResources> entry_sizes(const std::vector<std::byte>& object, const std::vector<std::string>& entries) {
  std::vector<EntryResources> resources;
  for (const std::string& entry : entries) {
    const auto code_bytes = find_function_bytes(object, entry);
    if (!code_bytes) throw Refusal{fmt::format("the object defines no function '{}'", entry)};
    resources.push_back({.name = entry, .code_bytes = *code_bytes});
  }
  return resources;
}

Binary build(const KernelSource& source, const std::string& cpu, const std::string& features, std::string& log) {
  llvm::LLVMContext context;
  auto handler = std::make_unique<LogHandler>(log);
  const LogHandler& diagnostics = *handler;
  context.setDiagnosticHandler(std::move(handler));
  const std::unique_ptr<llvm::Module> module = parse_template(source, context);
  module->setModuleIdentifier(source.name);
  fix_fields(*module, source);
  keep_entries_only(*module, source);
  set_cpu(*module, cpu, features);
  verify(*module, "before optimisation");

  const auto machine = make_machine(*module, cpu, features);
  module->setDataLayout(machine->createDataLayout());
  optimize(*module, *machine);
  verify(*module, "after optimisation");
  Binary binary{.backend = Backend::Cpu,
                .arch = "host",
                .code = emit_object(*module, *machine),
                .entries = source.entries,
                .resources = {},
                .log = {}};
  if (diagnostics.has_error) throw Refusal{"LLVM reported an error; see the log"};
  binary.resources = entry_sizes(binary.code, source.entries);
  return binary;
}

class LlvmCompiler final : public Compiler {
 public:
  LlvmCompiler() : cpu_(host_cpu_name()), features_(host_cpu_features()) { initialize_llvm(); }

  CompilerIdentity identity() const override {
    return {.name = "llvm",
            .version = LLVM_VERSION_STRING,
            .options = fmt::format("O3 vectorize=loop,slp unroll pic small cpu={}", cpu_)};
  }

  // A Target without features (a profile, not a machine) means this machine.
  CompileResult compile(const KernelSource& source, const Target& target) override {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed_ms = [&] {
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    };
    std::string log;
    try {
      Binary binary = build(source, cpu_, target.features.empty() ? features_ : target.features, log);
      binary.log = std::move(log);
      binary.compile_ms = elapsed_ms();
      return binary;
    } catch (const Refusal& refusal) {
      return CompileFailure{.reason = refusal.reason, .log = refusal.reason + "\n" + log, .compile_ms = elapsed_ms()};
    }
  }

 private:
  std::string cpu_;
  std::string features_;
};

}  // namespace

std::unique_ptr<Compiler> make_llvm_compiler() { return std::make_unique<LlvmCompiler>(); }

}  // namespace nsajit::codegen
