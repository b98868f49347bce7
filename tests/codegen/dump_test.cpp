// Dumps of compiled kernels.
#include "codegen/dump.h"

#include <catch2/catch_all.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "core/env.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit;
using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;
namespace fs = std::filesystem;

namespace {

// A compiler whose answer is given.
struct FixedCompiler final : Compiler {
  explicit FixedCompiler(CompileResult answer) : result(std::move(answer)) {}
  CompilerIdentity identity() const override { return {.name = "fixed", .version = "1.2", .options = "-x"}; }
  CompileResult compile(const KernelSource&, const Target&) override { return result; }
  CompileResult result;
};

std::map<std::string, std::string> files_by_extension(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    files[entry.path().extension().string()] = {std::istreambuf_iterator<char>(stream), {}};
  }
  return files;
}

std::map<std::string, std::string> dump(const CompileResult& result, const Target& target) {
  const TemplateFolder folder;
  folder.use();
  const fs::path dumps = folder.path() / "dumps" / "deeper";
  make_dumping_compiler(std::make_unique<FixedCompiler>(result), dumps.string())->compile(probe_cuda_source(), target);
  return files_by_extension(dumps);
}

}  // namespace

TEST_CASE("a compiled kernel leaves source, log, binary and key") {
  const auto files = dump(Binary{.code = {std::byte{'E'}, std::byte{'L'}}, .log = "the log"}, cuda_profile("90a"));
  CHECK(files.at(".cu") == golden("probe_unit.cu"));
  CHECK(files.at(".log") == "the log");
  CHECK(files.at(".cubin") == "EL");
  CHECK_THAT(files.at(".key"), Catch::Matchers::Contains("arch=90a\n") &&
                                   Catch::Matchers::Contains("compiler_version=1.2\n") &&
                                   Catch::Matchers::Contains("field.tile=256\n"));
}

TEST_CASE("a failed kernel leaves its reason and log, and no binary") {
  const auto files = dump(CompileFailure{.reason = "the reason", .log = "the log"}, cuda_profile("80"));
  CHECK(files.at(".log") == "the reason\nthe log");
  CHECK_FALSE(files.contains(".cubin"));
}

TEST_CASE("a CPU kernel leaves its constants and its object") {
  const auto files = dump(Binary{.code = {std::byte{'E'}}}, Target{});
  CHECK(files.contains(".fields"));
  CHECK(files.contains(".o"));
}

TEST_CASE("a dump folder that cannot be written changes nothing else") {
  const TemplateFolder folder;
  folder.use();
  folder.write("a_file", "");
  const auto compiler = make_dumping_compiler(std::make_unique<FixedCompiler>(Binary{.log = "fine"}),
                                              (folder.path() / "a_file").string());
  CHECK(std::get<Binary>(compiler->compile(probe_cuda_source(), Target{})).log == "fine");
}

TEST_CASE("the dump folder of the environment is used") {
  const TemplateFolder folder;
  Environment environment;
  environment.template_dir = folder.path().string();
  environment.dump_dir = (folder.path() / "dumps").string();
  const auto compiler = make_compiler(Backend::Cpu, environment);
  compiler->compile(probe_cpu_source(), Target{});
  CHECK(files_by_extension(*environment.dump_dir).contains(".o"));
}
