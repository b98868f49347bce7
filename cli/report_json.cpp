// Report as JSON: everything that the cache knows about a decision, full texts and plain units.

#include <nlohmann/json.hpp>

#include "cli/report_format.h"
#include "nsajit/workload.h"

namespace nsajit::cli {
namespace {

nlohmann::json describe(const cache::TrialRecord& trial) {
  return {
      {"id", trial.id},
      {"config", trial.config},
      {"status", to_string(trial.status)},
      {"reason", trial.reason},
      {"time_us", trial.time_us},
      {"low_us", trial.low_us},
      {"high_us", trial.high_us},
      {"samples", trial.samples},
      {"spread_percent", spread_percent(trial)},
      {"sm_mhz", trial.sm_mhz},
      {"memory_mhz", trial.memory_mhz},
      {"registers", trial.registers},
      {"smem_bytes", trial.smem_bytes},
      {"spill_bytes", trial.spill_bytes},
      {"compile_ms", trial.compile_ms},
      {"parity_ms", trial.parity_ms},
      {"measure_ms", trial.measure_ms},
      {"kernel_key", trial.kernel_key},
      {"created_utc", trial.created_utc},
  };
}

nlohmann::json describe(const cache::ParityRecord& parity) {
  return {
      {"case", parity.parity_case},          {"tensor", parity.tensor},           {"passed", parity.passed},
      {"max_error", parity.max_error},       {"max_allowed", parity.max_allowed}, {"mean_error", parity.mean_error},
      {"mean_allowed", parity.mean_allowed}, {"l2_error", parity.l2_error},       {"l2_allowed", parity.l2_allowed},
  };
}

nlohmann::json describe(const Prediction& prediction) {
  return {
      {"time_us", prediction.time_us},   {"bound", prediction.bound},           {"hbm_bytes", prediction.hbm_bytes},
      {"l2_bytes", prediction.l2_bytes}, {"smem_bytes", prediction.smem_bytes}, {"flops", prediction.flops},
  };
}

nlohmann::json describe(const cache::ThresholdRecord& threshold) {
  return {
      {"name", threshold.name},
      {"value", threshold.value},
      {"margin", threshold.margin},
      {"ladder", nlohmann::json::parse(threshold.ladder_json, nullptr, false)},
      {"created_utc", threshold.created_utc},
  };
}

nlohmann::json describe(const cache::RunRecord& run) {
  return {
      {"id", run.id},
      {"command", run.command},
      {"nsajit_version", run.nsajit_version},
      {"toolchain", run.toolchain},
      {"started_utc", run.started_utc},
      {"finished_utc", run.finished_utc},
  };
}

template <typename Record>
nlohmann::json describe_optional(const std::optional<Record>& record) {
  return record ? describe(*record) : nlohmann::json(nullptr);
}

}  // namespace

std::string format_json(const std::vector<ReportRow>& rows) {
  auto list = nlohmann::json::array();
  for (const auto& row : rows) {
    const Workload workload = parse_workload(row.winner.workload);
    list.push_back({
        {"device", row.winner.device},
        {"op", row.winner.op},
        {"problem", row.winner.problem},
        {"workload", row.winner.workload},
        {"overlap", workload.overlap_percent},
        {"selection", workload.selection == 0 ? nlohmann::json(nullptr) : nlohmann::json(selection_digits(workload.selection))},
        {"config", row.winner.config},
        {"variant", variant_of(row)},
        {"time_us", row.winner.time_us},
        {"baseline_us", row.winner.baseline_us},
        {"speedup", speed_up(row)},
        {"candidates", row.winner.candidates},
        {"created_utc", row.winner.created_utc},
        {"winner", describe(row.trial)},
        {"predicted", describe_optional(row.predicted)},
        {"baseline", describe_optional(row.baseline)},
        {"parity", describe_optional(row.parity)},
        {"threshold", describe_optional(row.threshold)},
        {"trials", row.trials},
        {"run", describe(row.run)},
    });
  }
  return list.dump(2) + "\n";
}

}  // namespace nsajit::cli
