// Decision: what the ladder of a stored winner says of a launch's length.

#include "runtime/decision.h"

#include <catch2/catch_all.hpp>

#include "tests/support/decided_cache.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
using testing::FakeOp;
using testing::sized;
using testing::tuned;
namespace {

using Fixture = testing::DecidedCache;

// The winner is the faster one from about 300 tokens on, by a fifth from about 430 on.
constexpr const char* kLadder =
    R"([{"length":64,"time_us":10,"baseline_us":5},{"length":256,"time_us":10,"baseline_us":9.5},{"length":512,"time_us":10,"baseline_us":13}])";

}  // namespace

TEST_CASE("a length below a threshold without a ladder is served by the baseline", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  fixture.store_threshold(512);
  CHECK(fixture.decide(sized(1024, 8)).grade == Grade::Nearest);
  const Decision below = fixture.decide(sized(1024, 7));
  CHECK(below.grade == Grade::Fallback);
  CHECK(below.config == fixture.baseline());
  CHECK(below.threshold == 512);
  CHECK_THAT(below.why, Contains("448") && Contains("NSA_SEL_TRITON_MIN_L = 512"));
}

TEST_CASE("a threshold of -1 without a ladder keeps the baseline", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  fixture.store_threshold(-1);
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Fallback);
  CHECK_THAT(decision.why, Contains("NSA_SEL_TRITON_MIN_L is -1"));
}

TEST_CASE("the faster one is served, whether or not it is so by the margin of the stored threshold", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  fixture.store_threshold(512, kLadder);
  const Decision between = fixture.decide(sized(1024, 6));  // 384 tokens
  CHECK(between.config == tuned(32));
  CHECK(between.grade == Grade::Nearest);
  CHECK(between.threshold == 512);
  CHECK_THAT(between.why, Contains("length 384") && Contains("1.14 times as fast") && Contains("NSA_SEL_TRITON_MIN_L is 512"));
  const Decision below = fixture.decide(sized(1024, 4));  // 256 tokens
  CHECK(below.grade == Grade::Fallback);
  CHECK(below.config == fixture.baseline());
  CHECK_THAT(below.why, Contains("length 256") && Contains("0.95 times as fast"));
}

TEST_CASE("a winner that never wins by the margin is served where it wins", "[runtime]") {
  Fixture fixture;
  fixture.store({.time_us = 90});
  fixture.store_threshold(-1, R"([{"length":64,"time_us":10,"baseline_us":9},{"length":1024,"time_us":90,"baseline_us":100}])");
  CHECK(fixture.decide(sized(1024)).config == tuned(32));
  CHECK(fixture.decide(sized(1024, 1)).config == fixture.baseline());
}

TEST_CASE("a winner that failed at a length is served at no shorter one", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  fixture.store_threshold(512, R"([{"length":256,"time_us":0,"baseline_us":9.5},{"length":512,"time_us":10,"baseline_us":13}])");
  CHECK(fixture.decide(sized(1024, 8)).config == tuned(32));
  CHECK(fixture.decide(sized(1024, 6)).config == fixture.baseline());
  CHECK_THAT(fixture.decide(sized(1024, 1)).why, Contains("failed at length 64 or beside it"));
}

TEST_CASE("without a threshold the winner is served at every length", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  fixture.store_threshold(-1);  // of another operation
  const FakeOp op({testing::Fault::None}, "");
  const Decision decision = find_decision(op, sized(1024, 1), testing::fake_target(), fixture.cache);
  CHECK(decision.grade == Grade::Nearest);
  CHECK(decision.config == tuned(32));
  CHECK(decision.threshold == 0);
}

}  // namespace nsajit::runtime
