#pragma once
// LocalRunner: the TrialRunner over a Device of this process. Keeps what belongs to the current workload (parity
// cases, timing inputs on the device), so that the next candidate costs only its own runs.
// Belongs to the device's thread.

#include <memory>
#include <optional>
#include <string>

#include "tuner/trial_runner.h"

namespace nsajit::tuner {

class TimingInputs;  // local_runner.cpp

class LocalRunner final : public TrialRunner {
 public:
  // `recordings` as make_local_runner takes them.
  explicit LocalRunner(runtime::Device& device, const Recordings* recordings = nullptr);
  ~LocalRunner() override;

  const Target& target() const override { return device_.target(); }
  TrialResult run(const TrialRequest& request) override;
  RaceResult race(const Workload& workload, std::span<const RaceEntry> entries, const MeasureOptions& options) override;

  // Does ahead what run() would do first, so that its time is not taken for the candidate's.
  // Throws Error where the workload is impossible or does not fit the device.
  void prepare(const Workload& workload, bool gate);

  // Set by a fault that leaves the device unusable (CUDA's sticky errors): what it was. Every later candidate is
  // answered with it, until the process opens the device anew.
  const std::optional<std::string>& device_lost() const { return device_lost_; }

 private:
  ParityChecker& checker_for(const Op& op);
  TimingInputs& timing_for(const Op& op, const Workload& workload);
  template <typename Step>
  bool attempt(TrialResult& result, Step step);
  void time_starters(std::span<const Contender> contenders, std::span<const std::size_t> starters, const MeasureOptions& options,
                     RaceResult& race);
  void run_gated(const TrialRequest& request, TrialResult& result);
  void record_fault(const std::exception& error, TrialResult& result);
  TrialResult refuse() const;

  runtime::Device& device_;
  const Recordings* recordings_;
  std::optional<std::string> device_lost_;
  const Op* checker_op_ = nullptr;
  std::unique_ptr<ParityChecker> checker_;
  std::unique_ptr<TimingInputs> timing_;
};

}  // namespace nsajit::tuner
