// Trial record: field by field from the tuner's values to the cache's rows.

#include "tuner/trial_record.h"

#include <algorithm>

#include "cache/utc_time.h"

namespace nsajit::tuner {
cache::TrialRecord make_trial_record(const Op& op, const Workload& workload, const Candidate& candidate) {
  return {
      .key = candidate.trial_key.digest(),
      .key_text = candidate.trial_key.text(),
      .kernel_key = candidate.trial_key.kernel.digest(),
      .op = std::string(op.name()),
      .problem = to_string(workload.problem),
      .workload = to_string(workload),
      .device = candidate.trial_key.device,
      .config = candidate.text,
      .baseline = candidate.baseline,
      .created_utc = cache::utc_now(),
  };
}

void add_failure(cache::TrialRecord& trial, const codegen::CompileFailure& failure) {
  trial.status = failure.timed_out ? cache::TrialStatus::CompileTimeout : cache::TrialStatus::CompileError;
  trial.reason = failure.reason;
  trial.log = failure.log;
  trial.compile_ms = failure.compile_ms;
}

void add_binary(cache::TrialRecord& trial, const codegen::Binary& binary, const LaunchPlan& plan) {
  trial.log = binary.log;
  trial.compile_ms = binary.compile_ms;
  int static_smem = 0;
  for (const auto& entry : binary.resources) {
    trial.registers = std::max(trial.registers, entry.registers);
    trial.spill_bytes = std::max(trial.spill_bytes, entry.spill_store_bytes + entry.spill_load_bytes);
    static_smem = std::max(static_smem, entry.static_smem_bytes);
  }
  std::uint32_t dynamic_smem = 0;
  for (const auto& step : plan.steps) dynamic_smem = std::max(dynamic_smem, step.smem_bytes);
  trial.smem_bytes = static_smem + static_cast<int>(dynamic_smem);
}

void add_result(cache::TrialRecord& trial, const TrialResult& result) {
  trial.status = result.status;
  trial.reason = result.reason;
  trial.parity_ms = result.parity_ms;
  trial.measure_ms = result.measure_ms;
  if (result.status == cache::TrialStatus::Measured) add_timing(trial, result.timing);
}

void add_timing(cache::TrialRecord& trial, const Timing& timing) {
  trial.time_us = timing.summary.median;
  trial.low_us = timing.summary.low;
  trial.high_us = timing.summary.high;
  trial.samples = timing.summary.samples;
  trial.sm_mhz = timing.sm_mhz;
  trial.memory_mhz = timing.memory_mhz;
}

std::vector<cache::ParityRecord> make_parity_records(const ParityReport& report) {
  std::vector<cache::ParityRecord> records;
  for (const auto& verdict : report.verdicts) {
    records.push_back({
        .parity_case = verdict.parity_case,
        .tensor = verdict.tensor,
        .max_error = verdict.error.max_abs,
        .mean_error = verdict.error.mean_abs,
        .l2_error = verdict.error.relative_l2,
        .max_allowed = verdict.allowed.max_abs,
        .mean_allowed = verdict.allowed.mean_abs,
        .l2_allowed = verdict.allowed.relative_l2,
        .passed = verdict.passed,
        .reason = verdict.reason,
    });
  }
  return records;
}

cache::DeviceRecord make_device_record(const Target& target) {
  return {
      .device = to_string(target),
      .name = target.name,
      .backend = std::string(to_string(target.backend)),
      .arch = target.backend == Backend::Cuda ? arch_name(target) : "host",
      .processors = target.processors,
      .memory_bytes = target.memory_bytes,
      .l2_bytes = target.l2_bytes,
      .features = target.features,
  };
}

}  // namespace nsajit::tuner
