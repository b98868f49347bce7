// Sweep file: what is read, and what each complaint says.

#include "cli/sweep_file.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/cli/program.h"
#include "tests/support/npy_file.h"

namespace {

using namespace nsajit;

std::string complaint(std::string_view text) {
  try {
    cli::parse_sweep(text, "sweep.toml");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::InvalidArgument);
    return error.what();
  }
  return "accepted";
}

void check_complaint(std::string_view text, const std::vector<std::string>& parts) {
  const std::string message = complaint(text);
  INFO(message);
  for (const auto& part : parts) CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("tuples take the defaults of their file, and S_kv and n follow S and n_sel") {
  const auto sweep = cli::parse_sweep(
      "[defaults]\ndtype = 'fp32'\nl_sel = 32\nn_sel = 4\n[[tuple]]\ndk = 32\nS = 512\n[[tuple]]\n"
      "dk = 64\nS = 128\nS_kv = 256\nn = 2\n",
      "sweep.toml");
  REQUIRE(sweep.workloads.size() == 2);
  CHECK(sweep.workloads[0].problem.dtype == DType::FP32);
  CHECK(sweep.workloads[0].problem.dk == 32);
  CHECK(sweep.workloads[0].S_kv == 512);
  CHECK(sweep.workloads[0].n == 4);
  CHECK(sweep.workloads[1].S_kv == 256);
  CHECK(sweep.workloads[1].n == 2);
  CHECK_FALSE(sweep.strategy);
}

TEST_CASE("the tune section is read") {
  const auto sweep = cli::parse_sweep("[tune]\nstrategy = 'random'\nmax_trials = 5\nbudget_s = 2.5\n[[tuple]]\n", "sweep.toml");
  CHECK(sweep.strategy == "random");
  CHECK(sweep.max_trials == 5);
  CHECK(sweep.budget_s == 2.5);
}

TEST_CASE("a syntax error names its line") { check_complaint("[[tuple]]\ndk = 32\ndv = = 3\n", {"sweep.toml", "line 3"}); }

TEST_CASE("an unknown key names its line and the known ones") {
  check_complaint("[[tuple]]\ndk = 32\nheads = 3\n", {"line 3", "'heads'", "group", "l_sel"});
  check_complaint("[tune]\nbudget = 3\n[[tuple]]\n", {"line 2", "'budget'", "budget_s"});
  check_complaint("[tuples]\ndk = 32\n", {"line 1", "'tuples'", "[[tuple]]"});
}

TEST_CASE("a value of another type names its line") {
  check_complaint("[[tuple]]\ndk = '32'\n", {"line 2", "'dk'", "whole number"});
  check_complaint("[[tuple]]\ndk = 32.5\n", {"line 2", "'dk'"});
  check_complaint("[[tuple]]\ndtype = 16\n", {"line 2", "'dtype'", "bf16"});
  check_complaint("[tune]\nmax_trials = -1\n[[tuple]]\n", {"line 2", "'max_trials'"});
}

TEST_CASE("an unknown word names its line and the accepted ones") {
  check_complaint("[[tuple]]\n\ndtype = 'fp8'\n", {"line 3", "fp8", "bf16, fp16, fp32"});
}

TEST_CASE("an impossible tuple names the line where it begins") {
  check_complaint("[[tuple]]\ndk = 32\n\n[[tuple]]\ndk = 7\n", {"line 4", "dk=7"});
  check_complaint("[[tuple]]\nl_sel = 40\n", {"line 1", "l_sel=40", "d=16"});
  check_complaint("[[tuple]]\ngroup = 0\n", {"line 1", "group=0"});
  check_complaint("[[tuple]]\nS = 128\n", {"line 1", "blocks"});
}

TEST_CASE("a list of overlaps makes one workload each; a tuple's own replaces the defaults'") {
  const auto sweep = cli::parse_sweep(
      "[defaults]\noverlap = [0, 50]\n[[tuple]]\ndk = 32\n[[tuple]]\ndk = 64\noverlap = 90\n[[tuple]]\ndk = 96\noverlap = [25]\n",
      "sweep.toml");
  std::vector<std::pair<int, int>> found;
  for (const Workload& workload : sweep.workloads) found.emplace_back(workload.problem.dk, workload.overlap_percent);
  CHECK(found == std::vector<std::pair<int, int>>{{32, 0}, {32, 50}, {64, 90}, {96, 25}});
}

TEST_CASE("a list of branches makes one workload each; a tuple's own replaces the defaults'") {
  const auto sweep = cli::parse_sweep(
      "[defaults]\nbranch = ['selection', 'sliding']\n[[tuple]]\ndk = 32\n[[tuple]]\nbranch = 'decode'\nS = 1\nS_kv = 2048\n",
      "s");
  std::vector<Branch> found;
  for (const Workload& workload : sweep.workloads) found.push_back(workload.problem.branch);
  CHECK(found == std::vector{Branch::Selection, Branch::Sliding, Branch::Decode});
  check_complaint("[[tuple]]\nbranch = []\n", {"line 2", "empty"});
  check_complaint("[[tuple]]\nbranch = ['selection', 3]\n", {"line 2", "quoted words"});
  check_complaint("[[tuple]]\nbranch = ['conv']\n", {"line 1", "conv"});
}

TEST_CASE("overlaps that are none name their line") {
  check_complaint("[[tuple]]\noverlap = [0, 101]\n", {"line 2", "'overlap'", "0..100"});
  check_complaint("[[tuple]]\noverlap = []\n", {"line 2", "empty"});
  check_complaint("[[tuple]]\noverlap = [0, 'half']\n", {"line 2", "percentages"});
  check_complaint("[[tuple]]\noverlap = 101\n", {"line 1", "overlap=101"});
}

TEST_CASE("a recorded selection is found beside its sweep, and decides its tuple") {
  const testing::TemporaryFolder folder;
  testing::write_npy(folder.file("rec.npy"), {1, 2, 1, 2}, {0, 1, 0, -1});
  const auto path = folder.write("sweep.toml", "[[tuple]]\nselection = 'rec.npy'\nS_kv = 256\n[[tuple]]\n");
  const auto sweep = cli::load_sweep(path);
  REQUIRE(sweep.workloads.size() == 2);
  CHECK(sweep.workloads[0].S == 2);
  CHECK(sweep.workloads[0].S_kv == 256);
  CHECK(sweep.workloads[0].problem.n_sel == 2);
  CHECK(sweep.workloads[0].problem.input == SelectionInput::Blocks);
  CHECK(sweep.recordings.get(sweep.workloads[0].selection).path == folder.file("rec.npy"));
  CHECK(sweep.workloads[1].selection == 0);
}

TEST_CASE("a recorded selection that is none, or not of its tuple, names the line and the file") {
  const testing::TemporaryFolder folder;
  testing::write_npy(folder.file("rec.npy"), {1, 2, 1, 2}, {0, 1, 0, 9});
  const auto check = [&](const std::string& tuple, const std::vector<std::string>& parts) {
    INFO(tuple);
    std::string message = "accepted";
    try {
      cli::load_sweep(folder.write("sweep.toml", "[[tuple]]\n" + tuple));
    } catch (const Error& error) { message = error.what(); }
    INFO(message);
    for (const auto& part : parts) CHECK(message.find(part) != std::string::npos);
  };
  check("selection = 'rec.npy'\nS_kv = 256\n", {"line 1", "rec.npy: row (b=0, s=1, g=0), entry 1", "block 9"});
  check("selection = 'rec.npy'\nS_kv = 1024\nG = 4\n", {"line 1", "G=4 was given", "rec.npy has G=1"});
  check("selection = 'rec.npy'\nS_kv = 1024\noverlap = [0, 50]\n", {"line 1", "overlap=0 was given", "measured"});
  check("selection = 'none.npy'\n", {"line 1", "none.npy", "No such file"});
  check("selection = 7\n", {"line 2", "quoted name"});
}

TEST_CASE("a file without tuples says how one is written") {
  check_complaint("", {"[[tuple]]"});
  check_complaint("[tuple]\ndk = 32\n", {"line 1", "[[tuple]]"});
}

TEST_CASE("a missing file is named") {
  CHECK_THROWS_WITH(cli::load_sweep("/nonexistent/sweep.toml"),
                    Catch::Matchers::StartsWith("sweep file /nonexistent/sweep.toml"));
}

TEST_CASE("the sweeps that come with nsajit are valid") {
  CHECK(cli::load_sweep(testing::sweeps_folder() + "/quick.toml").workloads.size() >= 4);
  CHECK(cli::load_sweep(testing::sweeps_folder() + "/users.toml").workloads.size() == 37);
  CHECK(cli::load_sweep(testing::sweeps_folder() + "/../bench/shapes/all_branches.toml").workloads.size() == 11);
}

TEST_CASE("a letter beyond ASCII is refused outside of comments, and taken as an escape") {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      nsajit::cli::parse_sweep(text, "sweep.toml");
    } catch (const std::exception& error) { return error.what(); }
    return "";
  };
  const std::string stray = "sweep file sweep.toml, line 3: a character beyond ASCII; in quotes write it as \\u00e9";
  CHECK(refusal("# caf\xC3\xA9 \"\n[tune]\nmax_trials = 5\xC4\xB6\n[[tuple]]\n") == stray);
  CHECK(refusal("[tune]\nstrategy =\n[y\"ra\xEF\xBB\x89n") == stray);
  CHECK(refusal("[tune]\n\n'#'\xEF\xBE\xBE = 1\n") == stray);
  CHECK(refusal("# caf\xC3\xA9\n[tune]\nstrategy = \"caf\\u00e9\"\n[[tuple]]\n").empty());
}
