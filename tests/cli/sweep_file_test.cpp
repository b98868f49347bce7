// Sweep file: what is read, and what each complaint says.

#include "cli/sweep_file.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/cli/program.h"

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
  CHECK(cli::load_sweep(testing::sweeps_folder() + "/users.toml").workloads.size() == 7);
}
