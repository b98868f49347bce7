#pragma once
// RecordFields: the fields of each record by name, listed once for what writes them and what reads them.
// `visit(name, field)` is called in the order of the struct; row numbers of one file are left out.

namespace nsajit::cache {

template <typename Visitor>
void each_field(Visitor&& visit, auto& device) requires requires {
  device.l2_bytes;
}
{
  visit("identity", device.device);
  visit("name", device.name);
  visit("backend", device.backend);
  visit("arch", device.arch);
  visit("processors", device.processors);
  visit("memory_bytes", device.memory_bytes);
  visit("l2_bytes", device.l2_bytes);
  visit("features", device.features);
}

template <typename Visitor>
void each_field(Visitor&& visit, auto& run) requires requires {
  run.toolchain;
}
{
  visit("command", run.command);
  visit("device", run.device);
  visit("toolchain", run.toolchain);
  visit("nsajit_version", run.nsajit_version);
  visit("started_utc", run.started_utc);
  visit("finished_utc", run.finished_utc);
}

template <typename Visitor>
void each_field(Visitor&& visit, auto& trial) requires requires {
  trial.spill_bytes;
}
{
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

template <typename Visitor>
void each_field(Visitor&& visit, auto& parity) requires requires {
  parity.parity_case;
}
{
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

template <typename Visitor>
void each_field(Visitor&& visit, auto& winner) requires requires {
  winner.baseline_trial;
  winner.key_text;
}
{
  visit("key", winner.key);
  visit("key_text", winner.key_text);
  visit("time_us", winner.time_us);
  visit("baseline_us", winner.baseline_us);
  visit("candidates", winner.candidates);
  visit("created_utc", winner.created_utc);
}

template <typename Visitor>
void each_field(Visitor&& visit, auto& threshold) requires requires {
  threshold.ladder_json;
}
{
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

}  // namespace nsajit::cache
