// Trial record: field by field from the tuner's values to the cache's rows.

#include "tuner/trial_record.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cache/utc_time.h"
#include "nsajit/error.h"

namespace nsajit::tuner {
namespace {

Backend parse_backend(const cache::BinaryRecord& record) {
  for (const Backend backend : {Backend::Cpu, Backend::Cuda}) {
    if (record.backend == to_string(backend)) return backend;
  }
  throw Error(ErrorCode::Cache, fmt::format("load stored binary {}: backend \"{}\" is not known; delete the cache file "
                                            "or tune into another one (--cache)",
                                            record.kernel_key, record.backend));
}

}  // namespace

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
  trial.status = cache::TrialStatus::CompileError;
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

cache::BinaryRecord make_binary_record(const cache::CacheKey& key, const codegen::Binary& binary) {
  auto entries = nlohmann::json::array();
  for (std::size_t index = 0; index < binary.entries.size(); ++index) {
    nlohmann::json entry{{"name", binary.entries[index]}};
    if (index < binary.resources.size()) {
      const auto& used = binary.resources[index];
      entry.update({{"registers", used.registers},
                    {"static_smem_bytes", used.static_smem_bytes},
                    {"stack_bytes", used.stack_bytes},
                    {"spill_store_bytes", used.spill_store_bytes},
                    {"spill_load_bytes", used.spill_load_bytes},
                    {"code_bytes", used.code_bytes}});
    }
    entries.push_back(std::move(entry));
  }
  return {
      .kernel_key = key.digest(),
      .key_text = key.text(),
      .backend = std::string(to_string(binary.backend)),
      .arch = binary.arch,
      .code = binary.code,
      .entries_json = entries.dump(),
      .log = binary.log,
      .compile_ms = binary.compile_ms,
  };
}

codegen::Binary make_binary(const cache::BinaryRecord& record) {
  codegen::Binary binary{.backend = parse_backend(record),
                         .arch = record.arch,
                         .code = record.code,
                         .log = record.log,
                         .compile_ms = record.compile_ms};
  try {
    for (const auto& entry : nlohmann::json::parse(record.entries_json)) {
      binary.entries.push_back(entry.at("name"));
      binary.resources.push_back({
          .name = binary.entries.back(),
          .registers = entry.value("registers", 0),
          .static_smem_bytes = entry.value("static_smem_bytes", 0),
          .stack_bytes = entry.value("stack_bytes", 0),
          .spill_store_bytes = entry.value("spill_store_bytes", 0),
          .spill_load_bytes = entry.value("spill_load_bytes", 0),
          .code_bytes = entry.value("code_bytes", std::int64_t{0}),
      });
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::Cache,
                fmt::format("load stored binary {}: its list of entries cannot be read: {}", record.kernel_key, error.what()));
  }
  return binary;
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
