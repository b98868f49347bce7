// Pretuned decisions: what came with this build fits it, and serves its own device only.

#include "runtime/pretuned.h"

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "nsajit/op.h"
#include "runtime/decision.h"
#include "tests/support/h200.h"
#include "tests/support/temporary_folder.h"

using namespace nsajit;
using Catch::Matchers::Contains;
using nsajit::testing::h200;

namespace {

// A cache of the user's own, in which nothing is.
struct EmptyCache {
  testing::TemporaryFolder folder;
  cache::Cache cache = cache::Cache::open(folder.path() + "/cache.db", cache::OpenMode::ReadWrite);
};

constexpr const char* kWorkload = "selection,bf16,dk=128,dv=128,group=16;B=1,S=8192,G=4";

}  // namespace

TEST_CASE("every pretuned winner is a config of this build", "[cli]") {
  const auto winners = runtime::pretuned_winners(to_string(h200()));
  CHECK(winners.size() > 20);
  for (const cache::WinnerRecord& winner : winners) {
    const Problem problem = parse_problem(winner.problem);
    INFO(winner.workload);
    CHECK(find_op(problem).space(problem, h200()).find_violation(parse_config(winner.config)) == std::nullopt);
  }
}

TEST_CASE("a model that differs only in what a branch never reads is served by the same winner", "[cli]") {
  EmptyCache own;
  const auto decide = [&](const std::string& text) {
    const Workload workload = parse_workload(text);
    return runtime::find_decision(find_op(workload.problem), workload, h200(), own.cache);
  };
  const std::string sizes = ";B=1,S=8192,G=4", tuned = "selection,bf16,dk=128,dv=128,group=16";
  const runtime::Decision decision = decide(tuned + sizes);
  REQUIRE(decision.match);
  for (const char* other : {",w=256", ",l=64,d=32", ",flash"}) CHECK(decide(tuned + other + sizes) == decision);
  for (const char* other : {",n_sel=8", ",l_sel=128", ",blocks", ",varlen"}) CHECK_FALSE(decide(tuned + other + sizes).match);
}

TEST_CASE("an empty cache on a pretuned GPU model serves what came along, and says so", "[cli]") {
  EmptyCache own;
  const Workload workload = parse_workload(kWorkload);
  const Op& op = find_op(workload.problem);
  const runtime::Decision decision = runtime::find_decision(op, workload, h200(), own.cache);
  CHECK(decision.config != decision.baseline);
  CHECK_THAT(decision.why, Contains("pretuned") && Contains("nsajit tune"));
  REQUIRE(decision.match);
  CHECK_FALSE(decision.match->measured_here);
  CHECK(decision.threshold >= 0);
}

TEST_CASE("pretuned decisions serve no other device", "[cli]") {
  EmptyCache own;
  const Workload workload = parse_workload(kWorkload);
  Target other = h200();
  other.processors = 114;
  const runtime::Decision decision = runtime::find_decision(find_op(workload.problem), workload, other, own.cache);
  CHECK_FALSE(decision.match);
  CHECK(decision.config == decision.baseline);
}
