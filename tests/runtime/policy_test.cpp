// Policy: which toggle decides, in which order, and what the reason says.

#include "runtime/policy.h"

#include <algorithm>
#include <map>

#include <catch2/catch_all.hpp>

#include "runtime/route_log.h"
#include "tests/cache/captured_stderr.h"
#include "tests/support/fake_op.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
using testing::FakeOp;
namespace {

using Variables = std::map<std::string, std::string>;

Toggles toggles_of(const Variables& variables) {
  return parse_toggles([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

// FakeOp counts n * l_sel = 1024 tokens.
Workload workload_of(Branch branch = Branch::Selection) { return {.problem = {.branch = branch}, .n = 16}; }

const Config kWinner{.variant = "query_major", .values = {{"fault", 0}, {"stages", 2}, {"tile", 32}}};
const Target kGpu = cuda_profile("90a");

struct Stored {
  std::int64_t threshold = -1;
  bool measured_here = true;
  std::string lost;
};

Decision stored(const Stored& what) {
  const FakeOp op;
  StoredMatch match{.config = kWinner,
                    .grade = Grade::Exact,
                    .why = "tuned",
                    .time_us = 50,
                    .measured_here = what.measured_here,
                    .lost = what.lost};
  const Config baseline = op.baseline_config({}, kGpu);
  Decision decision{.config = baseline,
                    .baseline = baseline,
                    .why = "declined",
                    .baseline_us = 100,
                    .threshold = what.threshold,
                    .match = match};
  if (!what.lost.empty() || what.threshold < 0 || what.threshold > 1024) return decision;
  decision.grade = match.grade, decision.config = match.config, decision.why = match.why, decision.time_us = match.time_us;
  return decision;
}

Decision nothing() {
  return {
      .config = FakeOp().baseline_config({}, kGpu), .baseline = FakeOp().baseline_config({}, kGpu), .why = "nothing is stored"};
}

Route route_of(const Decision& decision, const Variables& variables, Branch branch = Branch::Selection,
               const char* arch = "90a") {
  return choose_route(FakeOp(), workload_of(branch), cuda_profile(arch), decision, toggles_of(variables));
}

}  // namespace

TEST_CASE("without toggles the decision stands") {
  const Route tuned = route_of(stored({.threshold = 512}), {});
  CHECK(tuned.tuned);
  CHECK(tuned.decision == stored({.threshold = 512}));
  const Route declined = route_of(stored({.threshold = 2048}), {});
  CHECK_FALSE(declined.tuned);
  CHECK(declined.decision.why == "declined");
  CHECK(route_of(nothing(), {}).decision == nothing());
}

TEST_CASE("forced parity wins over every other toggle") {
  const Route route = route_of(stored({.threshold = 512}),
                               {{"NSA_FORCE_PARITY", "1"}, {"NSA_TRITON_SEL_FORCE", "1"}, {"NSA_SEL_TRITON_MIN_L", "0"}});
  CHECK_FALSE(route.tuned);
  CHECK(route.decision.config == FakeOp().baseline_config({}, kGpu));
  CHECK(route.decision.grade == Grade::Fallback);
  CHECK(route.decision.time_us == 0);
  CHECK_THAT(route.decision.why, Contains("NSA_FORCE_PARITY=1"));
}

TEST_CASE("each branch is turned off by its own toggle") {
  const auto off = [](Branch branch, const Variables& variables) {
    return !route_of(stored({.threshold = 512}), variables, branch).tuned;
  };
  CHECK(off(Branch::Selection, {{"NSA_USE_TRITON_SEL", "0"}}));
  CHECK_FALSE(off(Branch::Sliding, {{"NSA_USE_TRITON_SEL", "0"}}));
  CHECK(off(Branch::Sliding, {{"NSA_USE_FA2", "0"}}));
  CHECK(off(Branch::Compressed, {{"NSA_USE_FA2", "0"}}));
  CHECK_FALSE(off(Branch::Selection, {{"NSA_USE_FA2", "0"}}));
  CHECK(off(Branch::Sliding, {{"NSA_USE_FA2_WIN", "0"}}));
  CHECK_FALSE(off(Branch::Compressed, {{"NSA_USE_FA2_WIN", "0"}}));
  CHECK_FALSE(off(Branch::Sliding, {{"NSA_USE_FA2", "0"}, {"NSA_USE_FA2_WIN", "1"}}));
  CHECK(off(Branch::Compressed, {{"NSA_USE_FA2", "1"}, {"NSA_USE_FA2_CMP", "0"}}));
  CHECK(off(Branch::Scoring, {{"NSA_SEL_RANGES_V2", "0"}}));
  CHECK_FALSE(off(Branch::Gate, {{"NSA_USE_TRITON_SEL", "0"}, {"NSA_USE_FA2", "0"}}));
}

TEST_CASE("a length of the environment wins over the cached one, both ways") {
  const Route longer = route_of(stored({.threshold = 512}), {{"NSA_SEL_TRITON_MIN_L", "1025"}});
  CHECK_FALSE(longer.tuned);
  CHECK(longer.decision.threshold == 1025);
  CHECK_THAT(longer.decision.why, Contains("length 1024 is below NSA_SEL_TRITON_MIN_L=1025 (the cache says 512)"));
  const Route shorter = route_of(stored({.threshold = 2048}), {{"NSA_SEL_TRITON_MIN_L", "1024"}});
  CHECK(shorter.tuned);
  CHECK(shorter.decision.config == kWinner);
  CHECK(shorter.decision.grade == Grade::Exact);
  CHECK_FALSE(route_of(stored({.threshold = 512}), {{"NSA_SEL_TRITON_MIN_L", "-1"}}).tuned);
  CHECK(route_of(stored({.threshold = -1}), {{"NSA_SEL_TRITON_MIN_L", "0"}}).tuned);
}

TEST_CASE("each branch has the length of its own name") {
  const auto served = [](Branch branch, const char* name) {
    return route_of(stored({.threshold = 2048}), {{name, "1"}}, branch).tuned;
  };
  CHECK(served(Branch::Sliding, "NSA_FA2_MIN_LEN_WIN"));
  CHECK_FALSE(served(Branch::Sliding, "NSA_FA2_MIN_LEN_CMP"));
  CHECK(served(Branch::Compressed, "NSA_FA2_MIN_LEN_CMP"));
  CHECK(served(Branch::Scoring, "NSA_SEL_RANGES_V2_MIN_S"));
  CHECK(served(Branch::Scoring, "NSA_SEL_RANGES_V2"));
}

TEST_CASE("a kernel that lost to packed SDPA is never served, whatever length is asked for") {
  const Route route =
      route_of(stored({.lost = "it took longer"}), {{"NSA_SEL_TRITON_MIN_L", "0"}, {"NSA_TRITON_SEL_FORCE", "1"}});
  CHECK_FALSE(route.tuned);
  CHECK(route.decision.why == "it took longer");
}

TEST_CASE("a length does not serve what was never tuned") {
  CHECK_FALSE(route_of(nothing(), {{"NSA_SEL_TRITON_MIN_L", "0"}}).tuned);
}

TEST_CASE("forced selection serves the default config where nothing is stored") {
  const Route route = route_of(nothing(), {{"NSA_TRITON_SEL_FORCE", "1"}});
  CHECK(route.tuned);
  CHECK(route.decision.config == FakeOp().default_config({}, kGpu));
  CHECK_THAT(route.decision.why, Contains("nothing is measured"));
  CHECK_FALSE(route_of(nothing(), {{"NSA_TRITON_SEL_FORCE", "1"}}, Branch::Sliding).tuned);
}

TEST_CASE("SM 8.9 waits for a win that was measured on it") {
  const Decision elsewhere = stored({.threshold = 512, .measured_here = false});
  CHECK_THAT(route_of(nothing(), {}, Branch::Selection, "89").decision.why, Contains("SM 8.9") && Contains("nothing is stored"));
  CHECK_THAT(route_of(elsewhere, {}, Branch::Selection, "89").decision.why, Contains("another device"));
  CHECK_FALSE(route_of(elsewhere, {}, Branch::Selection, "89").tuned);
  CHECK(route_of(elsewhere, {}, Branch::Selection, "90a").tuned);
  CHECK(route_of(elsewhere, {}, Branch::Sliding, "89").tuned);
  CHECK(route_of(elsewhere, {{"NSA_TRITON_SEL_FORCE", "1"}}, Branch::Selection, "89").tuned);
  CHECK(route_of(stored({.threshold = 512}), {}, Branch::Selection, "89").tuned);
}

TEST_CASE("untuned scoring forms ranges the vectorised way from its usual length on") {
  const auto untuned = [](const Variables& variables) { return route_of(nothing(), variables, Branch::Scoring); };
  const Route served = untuned({});
  CHECK(served.tuned);
  CHECK(served.decision.config == FakeOp().default_config({}, kGpu));
  CHECK(served.decision.grade == Grade::Fallback);
  CHECK(served.decision.threshold == 1024);
  CHECK_THAT(served.decision.why, Contains("NSA_SEL_RANGES_V2_MIN_S") && Contains("nothing is measured"));
  CHECK(untuned({{"NSA_SEL_RANGES_V2", "1"}}).tuned);
  CHECK(untuned({{"NSA_SEL_RANGES_V2_MIN_S", "1024"}}).tuned);
  const Route shorter = untuned({{"NSA_SEL_RANGES_V2_MIN_S", "1025"}});
  CHECK_FALSE(shorter.tuned);
  CHECK(shorter.decision.config == FakeOp().baseline_config({}, kGpu));
  CHECK_THAT(shorter.decision.why, Contains("length 1024 is below NSA_SEL_RANGES_V2_MIN_S=1025; nothing is stored"));
  for (const Variables& off :
       {Variables{{"NSA_SEL_RANGES_V2_MIN_S", "-1"}}, {{"NSA_SEL_RANGES_V2", "0"}}, {{"NSA_FORCE_PARITY", "1"}}})
    CHECK_FALSE(untuned(off).tuned);
}

TEST_CASE("a forced branch leaves the others unread, and the gate and what feeds it in") {
  const auto needed = [](Branch branch, const char* forced) {
    return route_of(nothing(), {{"NSA_FORCE_BRANCH", forced}}, branch).needed;
  };
  CHECK(needed(Branch::Selection, "sel"));
  CHECK(needed(Branch::Scoring, "sel"));
  CHECK_FALSE(needed(Branch::Scoring, "win"));
  CHECK_FALSE(needed(Branch::Sliding, "sel"));
  CHECK_FALSE(needed(Branch::Compressed, "win"));
  CHECK(needed(Branch::Gate, "cmp"));
  CHECK(route_of(nothing(), {}).needed);
  CHECK(forced_branch({}) == -1);
  CHECK(forced_branch(toggles_of({{"NSA_FORCE_BRANCH", "cmp"}})) == 0);
  CHECK(forced_branch(toggles_of({{"NSA_FORCE_BRANCH", "sel"}})) == 1);
  CHECK(forced_branch(toggles_of({{"NSA_FORCE_BRANCH", "win"}})) == 2);
}

TEST_CASE("the log of routes is off unless asked for, and keeps to its limit per branch") {
  const auto lines_of = [](const Variables& variables) {
    cache::CapturedStderr captured;
    RouteLog log(toggles_of(variables));
    for (int i = 0; i < 4; ++i)
      for (const Branch branch : {Branch::Selection, Branch::Sliding})
        log.write(workload_of(branch), route_of(nothing(), {}, branch));
    return captured.text();
  };
  const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(lines_of({}).empty());
  CHECK(count(lines_of({{"NSA_DEBUG_LOG", "1"}})) == 8);
  const std::string limited = lines_of({{"NSA_DEBUG_LOG", "1"}, {"NSA_LOG_LIMIT", "2"}});
  CHECK(count(limited) == 4);
  CHECK_THAT(limited, Contains("route selection,forward") && Contains("nothing is stored (NSA_LOG_LIMIT reached)"));
}

}  // namespace nsajit::runtime
