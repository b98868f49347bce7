// RowCheck: the conditions of each kind of row.

#include "cache/row_check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cache/cache_key.h"
#include "cache/record_json.h"
#include "cache/utc_time.h"
#include "core/digest.h"
#include "nsajit/config.h"
#include "nsajit/error.h"
#include "nsajit/workload.h"

namespace nsajit::cache {
namespace {

bool is_digest(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_time(double value) { return std::isfinite(value) && value >= 0; }

Fault find_utc_fault(std::string_view name, std::string_view text) {
  if (is_utc(text)) return std::nullopt;
  return fmt::format("{} '{}' is no time like 2026-01-31T17:05:09Z", name, text.substr(0, 40));
}

Fault find_key_fault(const std::string& key, const std::string& text) {
  const std::string expected = digest_text(text);
  if (key == expected) return std::nullopt;
  return fmt::format("key '{}' is not the digest of its key text, {}", key.substr(0, 40), expected);
}

// What the nouns' own readers say of a text.
template <typename Read>
Fault find_text_fault(Read&& read) {
  try {
    read();
    return std::nullopt;
  } catch (const Error& error) { return error.what(); }
}

// Where `key_text` has the field, it must be the row's.
Fault find_difference(const std::string& key_text, std::string_view name, const std::string& value) {
  const auto field = find_key_field(key_text, name);
  if (!field || *field == value) return std::nullopt;
  return fmt::format("its key text has {} '{}', the row has '{}'", name, *field, value);
}

Fault find_identity_fault(const TrialRecord& trial) {
  if (auto fault = find_key_fault(trial.key, trial.key_text)) return fault;
  const std::string_view kernel = kernel_key_text(trial.key_text);
  if (kernel.empty()) return "its key text is no trial's";
  if (digest_text(kernel) != trial.kernel_key) return "its kernel key is not the digest of the kernel's part of its key text";
  if (auto fault = find_difference(trial.key_text, "op", trial.op)) return fault;
  if (auto fault = find_difference(trial.key_text, "problem", trial.problem)) return fault;
  if (auto fault = find_difference(trial.key_text, "config", trial.config)) return fault;
  if (auto fault = find_difference(trial.key_text, "workload", trial.workload)) return fault;
  return find_difference(trial.key_text, "device", trial.device);
}

void check_workload(const std::string& text, const std::string& problem) {
  const Workload workload = parse_workload(text);
  validate(workload);
  if (workload.problem != parse_problem(problem)) throw Error(ErrorCode::InvalidArgument, "its workload is of another problem");
}

Fault find_noun_fault(const TrialRecord& trial) {
  return find_text_fault([&] {
    parse_config(trial.config);
    check_workload(trial.workload, trial.problem);
  });
}

void check_nouns(const ThresholdRecord& threshold) {
  validate(parse_problem(threshold.problem));
  if (!threshold.workload.empty()) check_workload(threshold.workload, threshold.problem);
}

Fault find_figure_fault(const TrialRecord& trial) {
  for (const double value : {trial.time_us, trial.low_us, trial.high_us, trial.compile_ms, trial.parity_ms, trial.measure_ms}) {
    if (!is_time(value)) return fmt::format("a time is {}", value);
  }
  if (std::min({trial.samples, trial.sm_mhz, trial.memory_mhz, trial.registers, trial.smem_bytes, trial.spill_bytes}) < 0) {
    return "a count is negative";
  }
  if (trial.status != TrialStatus::Measured) return std::nullopt;
  if (trial.samples < 1 || trial.time_us <= 0) return "it is measured, but has no sample or no time";
  const bool ordered = trial.low_us <= trial.time_us && trial.time_us <= trial.high_us;
  return ordered ? std::nullopt : Fault("its median lies outside its interval");
}

// The gate's rule: what passed was not over its limits.
Fault find_parity_fault(const ParityRecord& row) {
  if (!row.passed) return std::nullopt;
  const bool within = row.max_error <= row.max_allowed && row.mean_error <= row.mean_allowed && row.l2_error <= row.l2_allowed;
  if (within) return std::nullopt;
  return fmt::format("its parity row {}, {} passed with an error over its limit", row.parity_case, row.tensor);
}

bool passed_the_gate(const KeyedTrial& trial) {
  return trial.record.status == TrialStatus::Measured && !trial.parity.empty() &&
         std::all_of(trial.parity.begin(), trial.parity.end(), [](const ParityRecord& row) { return row.passed; });
}

template <typename Rows>
const typename Rows::mapped_type* find_row(const Rows& rows, const std::string& key) {
  const auto place = rows.find(key);
  return place == rows.end() ? nullptr : &place->second;
}

Fault find_unknown(const Content& content, const std::string& device, const std::string& run) {
  if (!content.devices.contains(device)) return fmt::format("its device '{}' is not there", device);
  if (!content.runs.contains(run)) return fmt::format("its run {} is not there", run);
  return std::nullopt;
}

Fault named(std::string_view row, std::string_view key, const Fault& fault) {
  return fault ? Fault(fmt::format("{} {}: {}", row, key, *fault)) : std::nullopt;
}

}  // namespace

Fault find_fault(const DeviceRecord& device) {
  if (device.device.empty()) return "its identity is empty";
  if (device.processors < 0 || device.memory_bytes < 0 || device.l2_bytes < 0) return "a size is negative";
  if (device.name.empty()) return std::nullopt;  // known by its identity alone
  const std::string begin = fmt::format("{};name={};arch={};", device.backend, device.name, device.arch);
  if (device.device.starts_with(begin)) return std::nullopt;
  return fmt::format("its identity '{}' does not begin with its backend, name and arch, '{}'", device.device, begin);
}

Fault find_fault(const RunRecord& run) {
  if (auto fault = find_utc_fault("its begin", run.started_utc)) return fault;
  return run.finished_utc.empty() ? std::nullopt : find_utc_fault("its end", run.finished_utc);
}

Fault find_fault(const KeyedTrial& trial) {
  if (auto fault = find_identity_fault(trial.record)) return fault;
  if (auto fault = find_noun_fault(trial.record)) return fault;
  if (auto fault = find_figure_fault(trial.record)) return fault;
  for (const ParityRecord& row : trial.parity) {
    if (auto fault = find_parity_fault(row)) return fault;
    if (!row.passed && trial.record.status == TrialStatus::Measured) {
      return fmt::format("it is measured, but its parity row {}, {} failed", row.parity_case, row.tensor);
    }
  }
  return find_utc_fault("its time", trial.record.created_utc);
}

Fault find_fault(const ThresholdRecord& threshold) {
  const bool word = !threshold.name.empty() && threshold.name.size() <= 64 &&
                    threshold.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  if (!word) return fmt::format("'{}' is no name of a threshold", threshold.name.substr(0, 80));
  if (auto fault = find_text_fault([&] { check_nouns(threshold); })) return fault;
  if (!is_digest(threshold.key)) return fmt::format("its key '{}' is no digest", threshold.key.substr(0, 40));
  if (threshold.value < -1) return fmt::format("its value is {}; -1 (never) is the least", threshold.value);
  if (!std::isfinite(threshold.margin) || threshold.margin <= 0) return fmt::format("its margin is {}", threshold.margin);
  const auto ladder = find_ladder(threshold.ladder_json);
  if (!ladder) return "its ladder is no list of length, time_us and baseline_us";
  for (const LadderPoint& point : *ladder) {
    if (point.length < 1 || !is_time(point.time_us) || !is_time(point.baseline_us)) return "a step of its ladder is no measurement";
  }
  return find_utc_fault("its time", threshold.created_utc);
}

Fault find_fault(const WinnerRecord& winner, const KeyedTrial& trial, const KeyedTrial* baseline) {
  if (auto fault = find_key_fault(winner.key, winner.key_text)) return fault;
  if (!passed_the_gate(trial)) return fmt::format("its trial {} is not measured, or did not pass the gate", trial.record.key);
  if (auto fault = find_difference(winner.key_text, "op", trial.record.op)) return fault;
  if (auto fault = find_difference(winner.key_text, "workload", trial.record.workload)) return fault;
  if (auto fault = find_difference(winner.key_text, "device", trial.record.device)) return fault;
  if (!is_time(winner.time_us) || winner.time_us == 0 || !is_time(winner.baseline_us)) return "a time is no measurement";
  if (winner.candidates < 0) return "its number of candidates is negative";
  if (baseline != nullptr) {
    const TrialRecord& base = baseline->record;
    const bool fits = base.baseline && base.status == TrialStatus::Measured && base.op == trial.record.op &&
                      base.workload == trial.record.workload && base.problem == trial.record.problem &&
                      base.device == trial.record.device;
    if (!fits) return fmt::format("its baseline {} is not a measured baseline of the same workload and device", base.key);
  }
  return find_utc_fault("its time", winner.created_utc);
}

Fault find_dangling_of(const Content& content, const KeyedWinner& winner) {
  const KeyedTrial* trial = find_row(content.trials, winner.trial);
  if (trial == nullptr) return fmt::format("its trial {} is not there", winner.trial);
  const KeyedTrial* baseline = winner.baseline_trial.empty() ? nullptr : find_row(content.trials, winner.baseline_trial);
  if (!winner.baseline_trial.empty() && baseline == nullptr)
    return fmt::format("its baseline {} is not there", winner.baseline_trial);
  if (!content.runs.contains(winner.run)) return fmt::format("its run {} is not there", winner.run);
  return find_fault(winner.record, *trial, baseline);
}

Fault find_dangling(const Content& content) {
  for (const auto& [key, run] : content.runs) {
    if (!content.devices.contains(run.device)) return fmt::format("run {}: its device '{}' is not there", key, run.device);
  }
  for (const auto& [key, trial] : content.trials) {
    if (auto fault = named("trial", key, find_unknown(content, trial.record.device, trial.run))) return fault;
  }
  for (const auto& [key, winner] : content.winners) {
    if (auto fault = named("winner", key, find_dangling_of(content, winner))) return fault;
  }
  for (const auto& [key, threshold] : content.thresholds) {
    const ThresholdRecord& row = threshold.record;
    if (auto fault = named("threshold", row.name, find_unknown(content, row.device, threshold.run))) return fault;
  }
  return std::nullopt;
}

}  // namespace nsajit::cache
