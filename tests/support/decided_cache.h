#pragma once
// DecidedCache: a TunedCache with the decisions that are read from it.

#include "runtime/decision.h"
#include "tests/support/fake_op.h"
#include "tests/support/tuned_cache.h"

namespace nsajit::testing {

struct DecidedCache : TunedCache {
  FakeOp op;

  runtime::Decision decide(const Workload& workload) { return runtime::find_decision(op, workload, fake_target(), cache); }
  Config baseline() const { return op.baseline_config(Problem{}, fake_target()); }
};

}  // namespace nsajit::testing
