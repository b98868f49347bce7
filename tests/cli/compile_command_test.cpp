// compile, parity and doctor on the CPU backend.

#include <cstddef>
#include <filesystem>
#include <fstream>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "nsajit/selection_args.h"
#include "tests/cli/program.h"

namespace {

using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

constexpr const char* kTuple = " --dtype fp32 --dk 32 --dv 32 --group 2 --S 48 --S-kv 256 --l-sel 32 --n-sel 4 --G 2 ";

int count_files(const std::string& folder, const std::string& extension) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.path().extension() == extension ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("compile writes binary, unit, log and description of each kernel") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, std::string("compile --arch host --baseline --out ") + folder.file("kernels") + kTuple);
  INFO(result.err << result.out);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out.find("2 kernels, 0 failed") != std::string::npos);
  for (const std::string extension : {".o", ".cu", ".log", ".json"}) CHECK(count_files(folder.file("kernels"), extension) == 2);
  for (const auto& entry : std::filesystem::directory_iterator(folder.file("kernels"))) {
    if (entry.path().extension() != ".json") continue;
    const auto json = nlohmann::json::parse(std::ifstream(entry.path()));
    CHECK(json["resources"][0]["code_bytes"].get<int>() > 0);
    CHECK_FALSE(json["launch"]["steps"].empty());
    CHECK(json["key"].get<std::string>().size() == 32);
    const auto& arguments = json["arguments"];
    CHECK(arguments["bytes"] == sizeof(nsajit_selection_args));
    CHECK(arguments["bytes_hex"].get<std::string>().size() == 2 * sizeof(nsajit_selection_args));
    CHECK(arguments["tensors"][0]["name"] == "q");
    CHECK(arguments["tensors"][0]["shape"] == nlohmann::json({1, 48, 2, 2, 32}));
    CHECK(arguments["tensors"][3]["offset"] == offsetof(nsajit_selection_args, sel));
    CHECK(arguments["workspace_offset"] == offsetof(nsajit_selection_args, workspace));
  }
}

TEST_CASE("compile kills what exceeds its limit, says so and goes on with the next kernel") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, std::string("compile --arch host --baseline --compile-timeout 0.001 --threads 1") + kTuple);
  INFO(result.err << result.out);
  CHECK(result.exit_code == 1);
  CHECK(result.err.find("did not end within 0.001 s and was killed") != std::string::npos);
  CHECK(result.out.find("2 kernels, 2 failed") != std::string::npos);
}

TEST_CASE("compile refuses a config that is not of the space and says why") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, std::string("compile --arch host --config 'query_major{nonsense=3}'") + kTuple);
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("nonsense") != std::string::npos);
}

TEST_CASE("parity prints its figures and passes for the default and the baseline") {
  const TemporaryFolder folder;
  for (const std::string choice : {"", "--baseline"}) {
    const auto result = run_program(folder, "parity --device cpu " + choice + kTuple);
    INFO(result.err << result.out);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("max error / allowed") != std::string::npos);
    CHECK(result.out.ends_with("passed\n"));
  }
}

TEST_CASE("doctor says what is missing for CUDA and that the CPU is ready") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "doctor");
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("CUDA driver") != std::string::npos);
  CHECK(result.out.find("LLVM") != std::string::npos);
  CHECK(result.out.find("ready for the CPU") != std::string::npos);
}
