// Bad input: every refusal says what, where and what to do, has its exit code and leaves nothing behind.

#include <filesystem>

#include <catch2/catch_all.hpp>

#include "tests/cli/program.h"

namespace {

using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

void check_refusal(const std::string& arguments, int exit_code, const std::vector<std::string>& parts) {
  const TemporaryFolder folder;
  const auto result = run_program(folder, arguments);
  INFO(arguments << "\n" << result.err << result.out);
  CHECK(result.exit_code == exit_code);
  for (const auto& part : parts) CHECK((result.err + result.out).find(part) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
}

}  // namespace

TEST_CASE("impossible tuples are refused with exit code 2") {
  check_refusal("tune --device cpu --dk 7", 2, {"dk=7", "16"});
  check_refusal("tune --device cpu --l-sel 40", 2, {"l_sel=40", "d=16"});
  check_refusal("tune --device cpu --group 0", 2, {"group=0"});
  check_refusal("tune --device cpu --S 128 --n-sel 16", 2, {"n=16", "blocks"});
  check_refusal("tune --device cpu --dtype fp8", 2, {"fp8", "bf16"});
  check_refusal("tune --device cpu --dk many", 2, {"dk", "many"});
}

TEST_CASE("a tuple that no operation serves is refused") { check_refusal("tune --device cpu --pass backward", 4, {"backward"}); }

TEST_CASE("sizes that a branch has no launch for are refused before anything is done") {
  check_refusal("tune --device cpu --branch decode", 2, {"S=1"});
}

TEST_CASE("a missing or doubled tuple is refused with exit code 2") {
  check_refusal("tune --device cpu", 2, {"--sweep", "--problem"});
  check_refusal("tune --device cpu --sweep some.toml --dk 64", 2, {"exclude"});
  check_refusal("tune --device cpu --sweep /nonexistent.toml", 2, {"/nonexistent.toml"});
}

TEST_CASE("an unknown strategy is refused before anything is tried") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, "tune --device cpu --dtype fp32 --dk 32 --dv 32 --group 1 --S 64 --S-kv 64 --n-sel 1 --strategy magic");
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("exhaustive") != std::string::npos);
}

TEST_CASE("an unknown command or option is refused with exit code 2") {
  check_refusal("", 2, {"--help"});
  check_refusal("tuen", 2, {"tuen"});
  check_refusal("tune --frobnicate", 2, {"--frobnicate"});
  check_refusal("report --format xml", 2, {"xml", "json"});
}

TEST_CASE("an unknown architecture lists the known ones") { check_refusal("compile --arch 42 --dk 64", 2, {"42", "90"}); }

TEST_CASE("an unknown device word is refused, a missing driver is the environment's") {
  check_refusal("parity --device gpu --dk 64", 2, {"gpu", "cuda"});
  check_refusal("parity --device cuda:0 --dk 64", 4, {"cuda"});
}

TEST_CASE("tune without a driver says so and leaves no file behind") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "tune --device cuda:0 --dk 64 --dv 64");
  INFO(result.err);
  CHECK(result.exit_code == 4);
  CHECK(result.err.find("cuda") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
}

TEST_CASE("a malformed sweep names its line") {
  const TemporaryFolder folder;
  const auto path = folder.write("bad.toml", "[[tuple]]\ndk = 64\nheads = 8\n");
  const auto result = run_program(folder, "tune --device cpu --sweep " + path);
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("bad.toml, line 3") != std::string::npos);
}

TEST_CASE("a damaged cache stops tune with advice and reads as empty") {
  const TemporaryFolder folder;
  folder.write("cache.db", std::string(8192, 'x'));
  const auto tuned = run_program(folder, "tune --device cpu --dtype fp32 --dk 32 --dv 32 --S 1024");
  INFO(tuned.err);
  CHECK(tuned.exit_code == 4);
  CHECK(tuned.err.find("cache.db") != std::string::npos);
  CHECK(run_program(folder, "report").exit_code == 3);
  CHECK(run_program(folder, "lookup --device cpu --dtype fp32 --dk 32 --dv 32 --S 1024").exit_code == 3);
  CHECK(run_program(folder, "doctor").exit_code == 4);
  CHECK(std::filesystem::file_size(folder.file("cache.db")) == 8192);
}

TEST_CASE("a cache in a place that cannot be written stops tune with advice") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, "tune --device cpu --dtype fp32 --dk 32 --dv 32 --S 1024 --cache /proc/nsajit/cache.db");
  INFO(result.err);
  CHECK(result.exit_code == 4);
  CHECK(result.err.find("/proc/nsajit") != std::string::npos);
}

TEST_CASE("a report of nothing has exit code 3 and says what makes winners") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "report");
  CHECK(result.exit_code == 3);
  CHECK(result.err.find("nsajit tune") != std::string::npos);
}

TEST_CASE("every command has an example in its help") {
  const TemporaryFolder folder;
  for (const std::string command : {"", "tune", "report", "lookup", "compile", "parity", "doctor", "worker", "cache", "cache info", "cache verify",
                                    "cache prune", "cache export", "cache import", "cache merge", "cache alias"}) {
    const auto result = run_program(folder, command + " --help");
    INFO(command);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("Example") != std::string::npos);
  }
}

TEST_CASE("the version names compilers and backends") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "--version");
  CHECK(result.exit_code == 0);
  CHECK(result.out.starts_with("nsajit "));
  CHECK(result.out.find("llvm") != std::string::npos);
}
