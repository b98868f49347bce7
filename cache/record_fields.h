#pragma once
// RecordFields: the fields of each record by name, listed once for what writes them and what reads them.
// `visit(name, field)` is called in the order of the struct; row numbers of one file are left out.

#include <concepts>
#include <type_traits>

#include "cache/records.h"

namespace nsajit::cache {

// A record to read or, const, to write.
template <typename T, typename Record>
concept Some = std::same_as<std::remove_const_t<T>, Record>;

void each_field(auto&& visit, Some<DeviceRecord> auto& device) {
  visit("identity", device.device);
  visit("name", device.name);
  visit("backend", device.backend);
  visit("arch", device.arch);
  visit("processors", device.processors);
  visit("memory_bytes", device.memory_bytes);
  visit("l2_bytes", device.l2_bytes);
  visit("features", device.features);
}

void each_field(auto&& visit, Some<RunRecord> auto& run) {
  visit("command", run.command);
  visit("device", run.device);
  visit("toolchain", run.toolchain);
  visit("nsajit_version", run.nsajit_version);
  visit("started_utc", run.started_utc);
  visit("finished_utc", run.finished_utc);
}

void each_field(auto&& visit, Some<TrialRecord> auto& trial) {
  visit("key", trial.key);
  visit("key_text", trial.key_text);
  visit("kernel_key", trial.kernel_key);
  visit("op", trial.op);
  visit("problem", trial.problem);
  visit("workload", trial.workload);
  visit("device", trial.device);
  visit("config", trial.config);
  visit("baseline", trial.baseline);
  visit("status", trial.status);
  visit("reason", trial.reason);
  visit("log", trial.log);
  visit("time_us", trial.time_us);
  visit("low_us", trial.low_us);
  visit("high_us", trial.high_us);
  visit("samples", trial.samples);
  visit("sm_mhz", trial.sm_mhz);
  visit("memory_mhz", trial.memory_mhz);
  visit("registers", trial.registers);
  visit("smem_bytes", trial.smem_bytes);
  visit("spill_bytes", trial.spill_bytes);
  visit("compile_ms", trial.compile_ms);
  visit("parity_ms", trial.parity_ms);
  visit("measure_ms", trial.measure_ms);
  visit("created_utc", trial.created_utc);
}

void each_field(auto&& visit, Some<ParityRecord> auto& parity) {
  visit("case", parity.parity_case);
  visit("tensor", parity.tensor);
  visit("max_error", parity.max_error);
  visit("mean_error", parity.mean_error);
  visit("l2_error", parity.l2_error);
  visit("max_allowed", parity.max_allowed);
  visit("mean_allowed", parity.mean_allowed);
  visit("l2_allowed", parity.l2_allowed);
  visit("passed", parity.passed);
  visit("reason", parity.reason);
}

void each_field(auto&& visit, Some<WinnerRecord> auto& winner) {
  visit("key", winner.key);
  visit("key_text", winner.key_text);
  visit("time_us", winner.time_us);
  visit("baseline_us", winner.baseline_us);
  visit("candidates", winner.candidates);
  visit("created_utc", winner.created_utc);
}

void each_field(auto&& visit, Some<ThresholdRecord> auto& threshold) {
  visit("name", threshold.name);
  visit("problem", threshold.problem);
  visit("workload", threshold.workload);
  visit("device", threshold.device);
  visit("key", threshold.key);
  visit("value", threshold.value);
  visit("margin", threshold.margin);
  visit("ladder_json", threshold.ladder_json);
  visit("created_utc", threshold.created_utc);
}

void each_field(auto&& visit, Some<LadderPoint> auto& point) {
  visit("length", point.length);
  visit("time_us", point.time_us);
  visit("baseline_us", point.baseline_us);
}

}  // namespace nsajit::cache
