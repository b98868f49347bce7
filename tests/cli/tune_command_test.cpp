// tune, report and lookup end to end on a tiny tuple of the CPU backend, through worker processes.

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace {

using nsajit::testing::program_path;
using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

const std::string kTuple = " --dtype fp32 --dk 32 --dv 32 --group 2 --S 48 --S-kv 256 --l-sel 32 --n-sel 4 --G 2 ";
const std::string kTune = "tune --device cpu --max-trials 3" + kTuple;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a tuned tuple is reported in every format and looked up; a second run does nothing") {
  const TemporaryFolder folder;
  const auto first = run_program(folder, kTune);
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);
  CHECK(has(first.out, "4 compiled, 4 measured, 0 reused, 0 rejected"));
  CHECK(has(first.out, "winner    query_major{"));

  const auto second = run_program(folder, kTune + "--resume");
  CHECK(second.exit_code == 0);
  CHECK(has(second.out, "\n0 compiled, 0 measured, 4 reused, 0 rejected"));

  const auto json = nlohmann::json::parse(run_program(folder, "report --format json").out);
  REQUIRE(json.size() == 1);
  CHECK(json[0]["parity"]["passed"] == true);
  CHECK(json[0]["trials"]["measured"] == 4);
  CHECK_THAT(json[0]["run"]["command"].get<std::string>(),
             Catch::Matchers::StartsWith("nsajit tune --device cpu --max-trials 3"));

  CHECK(has(run_program(folder, "report").out, "4 ok"));
  CHECK(has(run_program(folder, "report --format md").out, "| tuple |"));
  CHECK(has(run_program(folder, "report --format csv").out, "device,problem,workload,winner"));
  CHECK(has(run_program(folder, "report --format env").out, "\nNSA_SEL_TRITON_MIN_L="));
  CHECK(run_program(folder, "report --problem fp32,dk=32").exit_code == 0);
  CHECK(run_program(folder, "report --problem bf16").exit_code == 3);
  CHECK(run_program(folder, "report --device H200").exit_code == 3);

  // Served or declined by the threshold: either way the answer rests on what was tuned.
  const auto found = run_program(folder, "lookup --json --device cpu" + kTuple);
  const auto decision = nlohmann::json::parse(found.out);
  CHECK(found.exit_code == (decision["grade"] == "fallback" ? 3 : 0));
  CHECK(decision["baseline_us"].get<double>() > 0);
  CHECK(run_program(folder, "lookup --device cpu --dtype fp32 --dk 64 --dv 64 --S 1024").exit_code == 3);
}

TEST_CASE("the other branches are tuned and reported with thresholds of their own") {
  const TemporaryFolder folder;
  for (const char* branch : {"sliding", "compressed", "scoring"}) {
    const auto tuned = run_program(folder, kTune + "--w 40 --branch " + branch);
    INFO(tuned.out << tuned.err);
    CHECK(tuned.exit_code == 0);
    CHECK(has(tuned.out, " 0 rejected"));
  }
  const std::string report = run_program(folder, "report").out;
  for (const char* tuple : {"sliding fp32 32/32 h2 w40", "compressed fp32 32/32 h2 l32/16", "scoring fp32 32 h2 l32/16 32x4"})
    CHECK(has(report, tuple));
  const std::string env = run_program(folder, "report --format env").out;
  for (const char* name : {"\nNSA_FA2_MIN_LEN_WIN=", "\nNSA_FA2_MIN_LEN_CMP=", "\nNSA_SEL_RANGES_V2_MIN_S="})
    CHECK(has(env, name));
}

TEST_CASE("gate and pooling are tuned, reported and served without a threshold") {
  const TemporaryFolder folder;
  for (const char* branch : {"gate", "pooling"}) {
    const auto tuned = run_program(folder, kTune + std::string("--branch ") + branch);
    INFO(tuned.out << tuned.err);
    CHECK(tuned.exit_code == 0);
    CHECK(has(tuned.out, " 0 rejected"));
    CHECK_FALSE(has(tuned.out, "NSA_"));
  }
  const std::string report = run_program(folder, "report").out;
  for (const char* tuple : {"gate fp32 32 h2", "pooling fp32 32/32 h2 l32/16", "none"}) CHECK(has(report, tuple));
  CHECK_FALSE(has(run_program(folder, "report --format env").out, "\nNSA_"));
  for (const char* branch : {"gate", "pooling"}) {
    const auto found = nlohmann::json::parse(run_program(folder, "lookup --json --device cpu --branch " + (branch + kTuple)).out);
    CHECK(found["threshold"] == 0);
    CHECK(found["time_us"].get<double>() > 0);
  }
}

TEST_CASE("tuning in the program itself finds the same trials") {
  const TemporaryFolder folder;
  CHECK(run_program(folder, kTune + "--in-process").exit_code == 0);
  CHECK(has(run_program(folder, kTune).out, "0 compiled, 0 measured"));
}

TEST_CASE("an interrupted tune keeps its trials, exits with 130 and is resumed", "[slow]") {
  const TemporaryFolder folder;
  // `timeout` interrupts the program alone; its worker must not matter. The tuple is large enough to be hit on the way.
  const std::string tuple = " --dtype fp32 --dk 64 --dv 64 --group 4 --S 512 --S-kv 1024 --G 2";
  const auto stopped = run_program(folder, "--version >/dev/null; timeout --foreground --preserve-status -s INT 3 " +
                                               program_path() + " tune --device cpu --cache " + folder.file("cache.db") + tuple);
  INFO(stopped.out << stopped.err);
  CHECK(stopped.exit_code == 130);
  REQUIRE(has(stopped.out, "interrupted; what was done is kept"));
  const auto resumed = run_program(folder, "tune --device cpu --budget 0.001" + tuple);
  CHECK(resumed.exit_code == 0);
  CHECK_FALSE(has(resumed.out, ", 0 reused"));
}

TEST_CASE(
    "a tuple that differs in what its branch never reads is the same one; measured anew on demand, with the code there is") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, kTune).exit_code == 0);
  const auto again = run_program(folder, kTune + "--w 40 --l 16 --d 16");
  CHECK(has(again.out, "\n0 compiled, 0 measured, 4 reused, 0 rejected"));
  const auto fresh = run_program(folder, kTune + "--fresh");
  CHECK(has(fresh.out, "\n0 compiled, 4 measured, 0 reused, 0 rejected"));
  CHECK(nlohmann::json::parse(run_program(folder, "report --format json").out).size() == 1);
}

TEST_CASE("a tuple tuned at two sizes keeps the threshold of each") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, kTune).exit_code == 0);
  REQUIRE(run_program(folder, kTune + "--B 3").exit_code == 0);
  const auto json = nlohmann::json::parse(run_program(folder, "report --format json").out);
  REQUIRE(json.size() == 2);
  CHECK(json[0]["threshold"]["created_utc"].is_string());
  CHECK(json[1]["threshold"]["created_utc"].is_string());
  const std::string exported = run_program(folder, "cache export").out;
  CHECK(has(exported, "\"thresholds\":2"));
}

TEST_CASE("devices that cannot work side by side are refused before anything is done") {
  const TemporaryFolder folder;
  const auto twice = run_program(folder, "tune --device cpu,cpu" + kTuple);
  CHECK(twice.exit_code == 2);
  CHECK(has(twice.err, "cpu is named twice"));
  CHECK(run_program(folder, "tune --device cpu,cuda:0" + kTuple).exit_code == 2);
  CHECK(run_program(folder, "tune --in-process --device cuda:0,cuda:1" + kTuple).exit_code == 2);
}
