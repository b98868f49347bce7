// Dump: see the header. Files of one kernel share a stem, "<name>-<arch>-<digest of source and closure>": .cu or
// .fields (source), .log, .cubin or .o (binary), .key (what the bytes depend on).

#include "codegen/dump.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "core/digest.h"
#include "core/log.h"

namespace nsajit::codegen {
namespace {

std::string key_text(const KernelSource& source, const Target& target, const CompilerIdentity& compiler) {
  std::string text = fmt::format("name={}\ntemplate={}\nclosure={}\ngenerator={}\n", source.name, source.template_path,
                                 source.closure_digest, kGeneratorVersion);
  text += fmt::format("arch={}\ncpu_features={}\n", arch_name(target), target.features);
  text += fmt::format("compiler={}\ncompiler_version={}\ncompiler_options={}\n", compiler.name, compiler.version,
                      compiler.options);
  for (const auto& [name, value] : source.fields) text += fmt::format("field.{}={}\n", name, value);
  for (const std::string& entry : source.entries) text += fmt::format("entry={}\n", entry);
  return text;
}

class DumpingCompiler final : public Compiler {
 public:
  DumpingCompiler(std::unique_ptr<Compiler> compiler, std::string directory)
      : compiler_(std::move(compiler)), directory_(std::move(directory)) {}

  CompilerIdentity identity() const override { return compiler_->identity(); }

  CompileResult compile(const KernelSource& source, const Target& target) override {
    const bool cuda = target.backend == Backend::Cuda;
    const std::string stem = fmt::format("{}-{}-{}", source.name, arch_name(target),
                                         digest_text(source.text + source.closure_digest).substr(0, 12));
    // Source and key first: they are wanted most where the compiler does not return.
    write(stem + (cuda ? ".cu" : ".fields"), source.text);
    write(stem + ".key", key_text(source, target, compiler_->identity()));
    CompileResult result = compiler_->compile(source, target);
    if (const auto* failure = std::get_if<CompileFailure>(&result)) {
      write(stem + ".log", failure->reason + "\n" + failure->log);
    } else {
      const Binary& binary = std::get<Binary>(result);
      write(stem + ".log", binary.log);
      write(stem + (cuda ? ".cubin" : ".o"), {reinterpret_cast<const char*>(binary.code.data()), binary.code.size()});
    }
    return result;
  }

 private:
  void write(const std::string& name, std::string_view text) const {
    std::error_code ignored;
    std::filesystem::create_directories(directory_, ignored);
    const std::filesystem::path path = std::filesystem::path(directory_) / name;
    std::ofstream stream(path, std::ios::binary);
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    stream.flush();
    if (!stream)
      log_warn(
          fmt::format("dump (NSAJIT_DUMP): cannot write '{}'; the kernel is compiled all the same", path.string()));
  }

  std::unique_ptr<Compiler> compiler_;
  std::string directory_;
};

}  // namespace

std::unique_ptr<Compiler> make_dumping_compiler(std::unique_ptr<Compiler> compiler, std::string directory) {
  return std::make_unique<DumpingCompiler>(std::move(compiler), std::move(directory));
}

}  // namespace nsajit::codegen
