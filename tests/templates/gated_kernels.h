#pragma once
// Gated kernels: candidates of many tuples, compiled side by side, then put through the parity gate on one device.

#include <span>
#include <string>
#include <vector>

#include "codegen/compiler.h"
#include "nsajit/op.h"
#include "runtime/device.h"

namespace nsajit::templates_test {

struct Candidate {
  Problem problem;
  Config config;
  Target target;
};

std::string to_string(const Candidate& candidate);

// The default and the baseline, then up to `per_variant` configs of each variant, spread evenly over its valid ones.
std::vector<Candidate> choose_candidates(const Problem& problem, const Target& target, std::size_t per_variant);

// One result per candidate, in order; on all hardware threads.
std::vector<codegen::CompileResult> compile_all(std::span<const Candidate> candidates, codegen::Compiler& compiler);

// Puts each candidate through the gate of `op`. Requires: all are of `workload`'s tuple. What failed, a line each; empty:
// all passed. A candidate that cannot be planned for some case at all (Error{Unsupported}) is left out.
std::string find_gate_failures(const Op& op, const Workload& workload, std::span<const Candidate> candidates,
                               codegen::Compiler& compiler, runtime::Device& device);

}  // namespace nsajit::templates_test
