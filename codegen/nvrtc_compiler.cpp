// NVRTC compiler: one nvrtcCompileProgram per unit, every header in memory, straight to a cubin for the exact SM.
// No state between compilations, no lock: NVRTC runs programs of several threads side by side.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "codegen/cuda_compiler.h"
#include "codegen/elf_symbols.h"
#include "codegen/include_closure.h"
#include "codegen/nvrtc_library.h"
#include "codegen/ptxas_log.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// One program of NVRTC. Its name shows in messages; headers are found by the very path they are included by.
class Program {
 public:
  Program(const NvrtcLibrary& library, const KernelSource& source) : library_(library) {
    const std::vector<std::string> includes = scan_includes(source.text);
    std::vector<std::string> texts, paths;
    for (const EmbeddedFile& file : include_closure(includes, "the unit of " + source.name)) {
      texts.emplace_back(file.text);  // a view has no closing zero
      paths.push_back(file.path);
    }
    std::vector<const char*> text_pointers, path_pointers;
    for (const std::string& text : texts) text_pointers.push_back(text.c_str());
    for (const std::string& path : paths) path_pointers.push_back(path.c_str());
    const std::string name = source.name + ".cu";
    check(library_.create_program(&program_, source.text.c_str(), name.c_str(), static_cast<int>(texts.size()),
                                  text_pointers.data(), path_pointers.data()),
          "nvrtcCreateProgram");
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { library_.destroy_program(&program_); }

  nvrtcResult compile(const std::vector<std::string>& options) {
    std::vector<const char*> pointers;
    for (const std::string& option : options) pointers.push_back(option.c_str());
    return library_.compile_program(program_, static_cast<int>(pointers.size()), pointers.data());
  }

  std::string log() const {
    std::size_t size = 0;
    check(library_.get_program_log_size(program_, &size), "nvrtcGetProgramLogSize");
    std::string text(size, '\0');
    if (size > 0) check(library_.get_program_log(program_, text.data()), "nvrtcGetProgramLog");
    while (text.ends_with('\0')) text.pop_back();
    return text;
  }

  std::vector<std::byte> cubin() const {
    std::size_t size = 0;
    check(library_.get_cubin_size(program_, &size), "nvrtcGetCUBINSize");
    std::vector<std::byte> code(size);
    if (size > 0) check(library_.get_cubin(program_, reinterpret_cast<char*>(code.data())), "nvrtcGetCUBIN");
    return code;
  }

 private:
  void check(nvrtcResult status, std::string_view call) const {
    if (status != NVRTC_SUCCESS)
      throw Error(ErrorCode::Compile,
                  fmt::format("{} of '{}': {}", call, library_.path(), library_.get_error_string(status)));
  }

  const NvrtcLibrary& library_;
  nvrtcProgram program_ = nullptr;
};

// C++17: the newest that NVRTC 11 knows. Not fast-math: templates choose approximate instructions by name, where
// they have been judged.
std::vector<std::string> common_options(NvrtcVersion version) {
  std::vector<std::string> options{"--std=c++17", "--device-as-default-execution-space", "--ptxas-options=-v"};
  // 177, 550: a constant or variable that this instantiation does not use.
  options.emplace_back("--diag-suppress=177,550");
  // Since 12.9 NVRTC keeps results on disk, and a kept result has no ptxas log.
  if (version >= NvrtcVersion{12, 9}) options.emplace_back("--no-cache");
  return options;
}

// Static shared memory of one block; more must be dynamic.
constexpr int kStaticSmemLimit = 48 * 1024;

// The line that a reader wants first. ptxas says nothing about too much shared memory, it only fails.
std::string first_error(std::string_view log) {
  for (const EntryResources& entry : parse_ptxas_log(log))
    if (entry.static_smem_bytes > kStaticSmemLimit)
      return fmt::format("kernel '{}' has {} bytes of static shared memory, the limit is {}", entry.name,
                         entry.static_smem_bytes, kStaticSmemLimit);
  const std::size_t at = std::min(log.find("error"), log.find("fatal"));
  if (at == std::string_view::npos) return "the log names no error";
  const std::size_t newline = log.rfind('\n', at);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return std::string(log.substr(begin, log.find('\n', at) - begin));
}

class NvrtcCompiler final : public Compiler {
 public:
  explicit NvrtcCompiler(const Environment& environment)
      : library_(environment), options_(common_options(library_.version())) {}

  CompilerIdentity identity() const override {
    return {.name = "nvrtc",
            .version = to_string(library_.version()),
            .options = fmt::format("{}", fmt::join(options_, " "))};
  }

  CompileResult compile(const KernelSource& source, const Target& target) override {
    const auto start = Clock::now();
    const std::string arch = arch_name(target);
    if (auto refusal = find_arch_refusal(arch, library_.version(), library_.supported_archs()))
      return CompileFailure{.reason = *refusal, .log = {}, .compile_ms = ms_since(start)};

    Program program(library_, source);
    std::vector<std::string> options = options_;
    options.push_back("--gpu-architecture=sm_" + arch);
    const nvrtcResult status = program.compile(options);
    std::string log = program.log();
    if (status != NVRTC_SUCCESS) return failure(status, arch, std::move(log), start);

    Binary binary{.backend = Backend::Cuda,
                  .arch = arch,
                  .code = program.cubin(),
                  .entries = source.entries,
                  .resources = {},
                  .log = std::move(log)};
    if (auto reason = read_resources(binary)) return CompileFailure{*reason, binary.log, ms_since(start)};
    binary.compile_ms = ms_since(start);
    return binary;
  }

 private:
  CompileFailure failure(nvrtcResult status, const std::string& arch, std::string log, Clock::time_point start) const {
    std::string reason = fmt::format("NVRTC {} for sm_{}: {}: {}", to_string(library_.version()), arch,
                                     library_.get_error_string(status), first_error(log));
    return {.reason = std::move(reason), .log = std::move(log), .compile_ms = ms_since(start)};
  }

  // A kernel without figures would pass every check on registers and spills, so a missing one is a failure.
  static std::optional<std::string> read_resources(Binary& binary) {
    const std::vector<EntryResources> reported = parse_ptxas_log(binary.log);
    for (const std::string& entry : binary.entries) {
      const auto code_bytes = find_function_bytes(binary.code, entry);
      if (!code_bytes)
        return fmt::format("the cubin has no kernel '{}': the unit must declare it extern \"C\" __global__", entry);
      const auto at = std::ranges::find(reported, entry, &EntryResources::name);
      if (at == reported.end())
        return fmt::format("ptxas reported no registers for kernel '{}'; its log is attached", entry);
      binary.resources.push_back(*at);
      binary.resources.back().code_bytes = *code_bytes;
    }
    return std::nullopt;
  }

  NvrtcLibrary library_;
  std::vector<std::string> options_;
};

}  // namespace

std::unique_ptr<Compiler> make_cuda_compiler(const Environment& environment) {
  return std::make_unique<NvrtcCompiler>(environment);
}

}  // namespace nsajit::codegen
