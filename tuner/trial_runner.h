#pragma once
// TrialRunner: runs candidates on a device and says what became of them. Two implementations: LocalRunner
// works on a Device of this process; WorkerRunner (worker_runner.h) drives a LocalRunner in a child process that
// can be killed. Both never throw for what a candidate does: a bad candidate is a result.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cache/records.h"
#include "codegen/compiler.h"
#include "nsajit/op.h"
#include "tuner/measure.h"
#include "tuner/parity.h"

namespace nsajit::tuner {

struct TrialRequest {
  Workload workload;
  Config config;
  const codegen::Binary* binary = nullptr;
  bool gate = true;  // false only for a config that already passed for this workload
  MeasureOptions measure;
};

struct TrialResult {
  cache::TrialStatus status = cache::TrialStatus::Crash;
  std::string reason;
  ParityReport parity;
  Timing timing;
  double parity_ms = 0;
  double measure_ms = 0;
};

struct RaceEntry {
  Config config;
  const codegen::Binary* binary = nullptr;
};
struct RaceResult {
  std::vector<TrialResult> entries;  // one per entry, in order; Measured or what went wrong
};

class TrialRunner {
 public:
  virtual ~TrialRunner() = default;
  virtual const Target& target() const = 0;
  // Makes what all trials of the workload share, the references above all, which the first of them would do otherwise. What goes
  // wrong is said by that trial.
  virtual void make_ready(const Workload& /*workload*/) {}
  virtual TrialResult run(const TrialRequest& request) = 0;
  // Interleaved timing of configs that passed the gate, on one set of inputs.
  virtual RaceResult race(const Workload& workload, std::span<const RaceEntry> entries, const MeasureOptions& options) = 0;
};

// `device` and `recordings`, where workloads of recorded selections find theirs, outlive the runner.
std::unique_ptr<TrialRunner> make_local_runner(runtime::Device& device, const Recordings* recordings = nullptr);

}  // namespace nsajit::tuner
