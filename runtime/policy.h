#pragma once
// Policy: what serves a launch, given what the cache decided and what the host app's toggles ask for. Eligibility comes
// before preference: first what rules a tuned kernel out, then what was measured, then the length from which it pays.
// Pure functions: no environment, no cache, no device.

#include <string_view>

#include "core/toggles.h"
#include "nsajit/op.h"
#include "runtime/decision.h"

namespace nsajit::runtime {

struct Route {
  bool tuned = false;  // false: packed SDPA
  bool needed = true;  // false: NSA_FORCE_BRANCH asks for another branch, nobody reads this one's output
  Decision decision;   // of what is served: config, grade, why, and the threshold in force
};

// `decision`: decide's for the same workload and target.
Route choose_route(const Op& op, const Workload& workload, const Target& target, Decision decision, const Toggles& toggles);

// Why a forward pass of one query is launched branch by branch under these toggles, though one kernel could do the step; empty:
// nothing says so.
std::string_view reason_apart(const Toggles& toggles);

// nsajit_gate_args::forced under these toggles; -1: none.
int forced_branch(const Toggles& toggles);

}  // namespace nsajit::runtime
