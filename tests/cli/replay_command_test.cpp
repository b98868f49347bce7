// nsajit replay, as a user types it, on the spaces that are checked in.

#include <string>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

namespace {

const std::string kRecorded = " --recorded " + nsajit::testing::replay_folder() + "/h200.txt ";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("replay compares strategies at every budget") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, "replay" + kRecorded + "--strategy random,ranked --trials 5,100% --seeds 3 --format json");
  REQUIRE(result.exit_code == 0);
  const auto report = nlohmann::json::parse(result.out);
  REQUIRE(report["rows"].size() == 4);
  CHECK(report["rows"][0]["strategy"] == "random");
  CHECK(report["rows"][0]["trials"] >= 5);  // timed, and what was rejected besides
  CHECK(report["rows"][0]["trials"] < 6);
  CHECK(report["rows"][2]["share"] == 1);
  CHECK(report["rows"][1]["regret_median"] <= report["rows"][0]["regret_median"]);
  CHECK(report["seeds"] == 3);
}

TEST_CASE("the model's order finds H200 kernels in six trials") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "replay" + kRecorded + "--strategy learned --trials 6 --seeds 10 --format json");
  const auto row = nlohmann::json::parse(result.out)["rows"][0];
  CHECK(row["regret_median"] < 0.02);
  CHECK(row["regret_p95"] < 0.05);
  CHECK(row["worse_than_default"] == 0);
}

TEST_CASE("a tenth of each complete space is enough for what is nearly the fastest kernel") {
  const TemporaryFolder folder;
  std::string recorded;
  for (const char* file : {"h200_dense.txt", "h200_selection.txt", "h200_small.txt"})
    recorded += " --recorded " + nsajit::testing::replay_folder() + "/" + file;
  const auto result = run_program(
      folder, "replay" + recorded + " --complete-only --strategy learned --trials 10% --seeds 20 --ahead 9 --format json");
  const auto report = nlohmann::json::parse(result.out);
  CHECK(report["spaces"] >= 30);
  CHECK(report["rows"][0]["regret_median"] < 0.02);
  CHECK(report["rows"][0]["regret_p95"] < 0.05);
  CHECK(report["rows"][0]["worse_than_default"] == 0);
}

TEST_CASE("spaces are saved as the text that is read") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, "replay" + kRecorded + "--save " + folder.file("again.txt")).exit_code == 0);
  const auto first =
      run_program(folder, "replay --trials 4 --seeds 2 --strategy local --format md --recorded " + folder.file("again.txt"));
  CHECK(has(first.out, "| local | 4 | 4."));
}

TEST_CASE("what cannot be replayed is refused with what to give instead") {
  const TemporaryFolder folder;
  const auto missing = run_program(folder, "replay --recorded " + folder.file("none.txt"));
  CHECK(missing.exit_code == 4);
  CHECK(has(missing.err, "give a cache file, or a text of recorded spaces"));
  const auto text = run_program(folder, "replay --recorded " + folder.write("x.txt", "this is no recording\n"));
  CHECK(text.exit_code == 2);
  CHECK(has(text.err, "x.txt, line 1: the first line is to be 'nsajit-spaces 1'"));
  CHECK(has(run_program(folder, "replay" + kRecorded + "--trials 2.5").err, "a budget is a number of trials (20)"));
  CHECK(has(run_program(folder, "replay" + kRecorded + "--strategy magic").err, "strategy \"magic\" is not known"));
  CHECK(run_program(folder, "replay" + kRecorded + "--device gtx").exit_code == 4);
}
