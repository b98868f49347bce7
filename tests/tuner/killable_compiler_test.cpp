// Compilations in children: answers, limits, crashes; and what the tuner makes of them.

#include "tuner/killable_compiler.h"

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/support/fake_device.h"
#include "tuner/compile_protocol.h"
#include "tuner/trial_record.h"

namespace {

using namespace nsajit;
using tuner::make_killable_compiler;

std::unique_ptr<codegen::Compiler> make_scripted(double limit_s = 30) {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return make_killable_compiler(
      {.name = "fake", .version = "1"},
      {.command = {(folder / "fake_worker").string(), "worker", "--device", "compiler"}, .limit_s = limit_s});
}

codegen::CompileResult compile(codegen::Compiler& compiler, const std::string& name) {
  return compiler.compile({.name = name, .text = "x", .entries = {"fake_query_major"}, .fields = {{"dk", 3}}},
                          testing::fake_target());
}

codegen::CompileFailure failure_of(codegen::Compiler& compiler, const std::string& name) {
  return std::get<codegen::CompileFailure>(compile(compiler, name));
}

}  // namespace

TEST_CASE("a child's binary is what the compiler made, whole") {
  const auto compiler = make_scripted();
  const auto binary = std::get<codegen::Binary>(compile(*compiler, "fine"));
  CHECK(std::string(reinterpret_cast<const char*>(binary.code.data()), binary.code.size()) == "fake_query_major\ndk=3\n");
  CHECK(binary.entries == std::vector<std::string>{"fake_query_major"});
  CHECK(binary.resources.front().registers == 32);
  CHECK(binary.log == "fake: 0 errors\n");
  CHECK(compiler->identity().name == "fake");
}

TEST_CASE("a compilation that hangs is killed at its limit, and the next one runs") {
  const auto compiler = make_scripted(0.5);
  const auto begin = std::chrono::steady_clock::now();
  const auto failure = failure_of(*compiler, "hang");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(2500));
  CHECK(failure.timed_out);
  CHECK(failure.reason == "the compiler did not end within 0.5 s and was killed");
  CHECK(failure.compile_ms >= 500);

  cache::TrialRecord trial;
  tuner::add_failure(trial, failure);
  CHECK(trial.status == cache::TrialStatus::CompileTimeout);
}

TEST_CASE("a compiler that crashes is a failure of its source only") {
  const auto compiler = make_scripted();
  const auto failure = failure_of(*compiler, "crash");
  CHECK_FALSE(failure.timed_out);
  CHECK(failure.reason == "the compiler was killed by SIGABRT (signal 6)");
  CHECK(std::holds_alternative<codegen::Binary>(compile(*compiler, "fine")));
}

TEST_CASE("an error of the environment is thrown here as there") {
  const auto compiler = make_scripted();
  try {
    compile(*compiler, "throw");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::Unsupported);
    CHECK(std::string(error.what()) == "no compiler here");
  }
}

TEST_CASE("a child is kept for the next compilation, and callers at once have one each") {
  const auto compiler = make_scripted();
  CHECK(failure_of(*compiler, "pid").reason == failure_of(*compiler, "pid").reason);
  std::vector<std::string> reasons(4);
  {
    std::vector<std::jthread> callers;
    for (std::string& reason : reasons) callers.emplace_back([&] { reason = failure_of(*compiler, "pid").reason; });
  }
  for (const std::string& reason : reasons) CHECK_FALSE(reason.empty());
  CHECK(failure_of(*compiler, "pid").log == "a log");
}

TEST_CASE("a compiler that is not there is an error that names it") {
  const auto compiler = make_killable_compiler({}, {.command = {"/nowhere/nsajit"}});
  CHECK_THROWS_AS(compile(*compiler, "fine"), Error);
}

TEST_CASE("malformed frames of the compile protocol are refused") {
  CHECK_THROWS_AS(tuner::decode_compile_request({.header = "{}"}), Error);
  CHECK_THROWS_AS(tuner::decode_compile_reply({.header = "not json"}), Error);
}
