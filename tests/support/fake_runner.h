#pragma once
// FakeRunner: a TrialRunner without a device. Times come from fake_time_us (or `model`), verdicts from the config's
// "fault". Counts what it was asked to run and to race.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/fake_device.h"
#include "tests/support/fake_op.h"
#include "tuner/trial_runner.h"

namespace nsajit::testing {

class FakeRunner final : public tuner::TrialRunner {
 public:
  explicit FakeRunner(const Op& op) : op_(op) {}

  Target facts = fake_target();
  std::function<double(const Config&, const LaunchPlan&)> model = fake_time_us;
  double spread = 0.001;                        // half width of a time's interval, as a share of it
  std::function<void()> after_trial = [] {};    // called after each run(): tests stop the engine here
  std::string failing_variant;                  // rejected by the gate, whatever its fault
  std::uint32_t failing_smem_bytes = 0;         // what is not packed SDPA fails where its launch takes so much; 0: nowhere
  std::vector<std::string> ready;               // workloads of make_ready()
  std::vector<std::string> trials;              // configs given to run(), in order
  std::vector<std::vector<std::string>> races;  // configs of each race()
  std::vector<int> race_rounds;                 // asked for, of each

  const Target& target() const override { return facts; }

  void make_ready(const Workload& workload) override { ready.push_back(to_string(workload)); }

  tuner::TrialResult run(const tuner::TrialRequest& request) override {
    trials.push_back(to_string(request.config));
    auto result = judge(request.workload, request.config);
    after_trial();
    return result;
  }

  tuner::RaceResult race(const Workload& workload, std::span<const tuner::RaceEntry> entries,
                         const tuner::MeasureOptions& options) override {
    tuner::RaceResult result;
    races.emplace_back();
    race_rounds.push_back(options.rounds);
    for (const auto& entry : entries) {
      races.back().push_back(to_string(entry.config));
      result.entries.push_back(judge(workload, entry.config));
    }
    return result;
  }

 private:
  tuner::TrialResult judge(const Workload& workload, const Config& config) const {
    tuner::TrialResult result{.parity_ms = 1, .measure_ms = 2};
    const auto fault = static_cast<Fault>(config.at("fault"));
    const auto plan = op_.plan(workload, config, facts);
    const bool too_much = config.variant != "packed_sdpa" && plan.steps.at(0).smem_bytes == failing_smem_bytes;
    const bool passed = fault == Fault::None && config.variant != failing_variant && !too_much;
    result.parity.passed = passed;
    result.parity.verdicts = {{.parity_case = "random seed=1",
                               .tensor = "o",
                               .error = {.max_abs = 1e-6},
                               .allowed = {.max_abs = 1e-5},
                               .passed = passed}};
    result.status = passed                 ? cache::TrialStatus::Measured
                    : fault == Fault::Hang ? cache::TrialStatus::Hang
                                           : cache::TrialStatus::Parity;
    if (!passed) {
      result.reason = "asked to fail";
      result.parity.reason = result.parity.verdicts.front().reason = result.reason;
      return result;
    }
    const double time = model(config, plan);
    result.timing.summary = {.median = time, .low = time * (1 - spread), .high = time * (1 + spread), .samples = 7};
    return result;
  }

  const Op& op_;
};

}  // namespace nsajit::testing
