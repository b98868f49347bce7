// FrozenRunner: knows its target, and measures nothing.

#include "tuner/frozen_runner.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/support/fake_op.h"
#include "tests/support/fake_runner.h"

using namespace nsajit;
using Catch::Matchers::Contains;

TEST_CASE("a frozen runner has the target of the one it stands in for") {
  testing::FakeOp op;
  const auto frozen = tuner::make_frozen_runner(std::make_unique<testing::FakeRunner>(op));
  CHECK(frozen->target() == testing::FakeRunner(op).target());
}

TEST_CASE("a frozen runner refuses to gate and to race, and says what to do") {
  testing::FakeOp op;
  const auto frozen = tuner::make_frozen_runner(std::make_unique<testing::FakeRunner>(op));
  CHECK_THROWS_WITH(frozen->run({.workload = Workload{.S = 77, .S_kv = 77}}),
                    Contains("cannot measure") && Contains("S=77") && Contains("--frozen"));
  CHECK_THROWS_WITH(frozen->race(Workload{}, {}, {}), Contains("frozen mode never measures"));
}
