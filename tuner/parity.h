#pragma once
// Parity: decides whether a candidate computes the same result as the operation's reference.
// Runs after compilation and before timing; a candidate that fails is never timed or cached as a winner.
// Rule: err(kernel) <= 2 err(same-dtype reference) + eps, both against the float64 oracle, on max-abs,
// mean-abs and relative L2 of every output; fp32 also mean-abs <= 1e-5. Any NaN or Inf that the oracle does
// not have fails. Outputs are poisoned with NaN, guard regions surround them, inputs must come out
// unchanged, two runs must be bit-identical, and changing the future must leave the past bit-identical.
// Not thread-safe: one checker per device.

#include <memory>
#include <string>
#include <vector>

#include "nsajit/op.h"
#include "runtime/device.h"

namespace nsajit::tuner {

struct PreparedCase;  // parity_inputs.h
class HostImages;     // parity.cpp

inline constexpr int kGateVersion = 2;  // bumped when the rules change: older verdicts no longer count

struct ErrorFigures {
  double max_abs = 0, mean_abs = 0, relative_l2 = 0;
};

struct TensorVerdict {
  std::string parity_case;
  std::string tensor;
  ErrorFigures error;
  ErrorFigures allowed;
  bool passed = false;
  std::string reason;  // "NaN at row 17, element 3", "guard after o overwritten", ...
};

struct ParityReport {
  bool passed = false;
  std::string reason;  // of the first verdict that failed
  std::vector<TensorVerdict> verdicts;
};

// Keeps inputs, references and buffers of a workload's cases, so that checking the next candidate costs only its runs and
// one look at every byte of what it wrote.
class ParityChecker {
 public:
  // `recordings`: where workloads of recorded selections find theirs; outlives the checker.
  ParityChecker(const Op& op, runtime::Device& device, const Recordings* recordings = nullptr);
  ~ParityChecker();
  // Makes the workload's inputs and references; check() does it where it was not done.
  void prepare(const Workload& workload);
  // Throws Error{Driver} where a launch fails.
  ParityReport check(const Workload& workload, const Config& config, const runtime::Kernel& kernel);

 private:
  std::vector<TensorVerdict> check_case(PreparedCase& prepared, const Config& config, const runtime::Kernel& kernel);

  const Op& op_;
  runtime::Device& device_;
  const Recordings* recordings_;
  std::string workload_text_;
  std::vector<std::unique_ptr<PreparedCase>> cases_;
  std::unique_ptr<HostImages> images_;
};

}  // namespace nsajit::tuner
