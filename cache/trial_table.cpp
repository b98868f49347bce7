// TrialTable: the SQL of trial and parity.

#include "cache/trial_table.h"

#include <fmt/format.h>

#include "cache/identity_rows.h"
#include "cache/key_check.h"
#include "cache/run_table.h"
#include "cache/sqlite_database.h"
#include "cache/utc_time.h"
#include "cache/warn_once.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

// Column order is the order of TrialRecord's members; read_trial relies on it.
constexpr const char* kSelectTrial = R"sql(
SELECT trial.id, trial.key, trial.key_text, trial.kernel_key, trial.op, problem.tuple, trial.workload, device.identity,
       trial.config, trial.baseline, trial.status, trial.reason, trial.log, trial.time_us, trial.low_us, trial.high_us,
       trial.samples, trial.sm_mhz, trial.memory_mhz, trial.registers, trial.smem_bytes, trial.spill_bytes,
       trial.compile_ms, trial.parity_ms, trial.measure_ms, trial.run, trial.created_utc
FROM trial JOIN problem ON problem.id = trial.problem JOIN device ON device.id = trial.device
)sql";

std::string select_trial(std::string_view condition) { return std::string(kSelectTrial).append(condition); }

// `status`: as stored. A word that is none of ours leaves the record's at Crash: it is never served.
TrialRecord read_columns(Statement& row, std::string& status) {
  TrialRecord trial;
  trial.id = row.integer();
  trial.key = row.text();
  trial.key_text = row.text();
  trial.kernel_key = row.text();
  trial.op = row.text();
  trial.problem = row.text();
  trial.workload = row.text();
  trial.device = row.text();
  trial.config = row.text();
  trial.baseline = row.integer() != 0;
  status = row.text();
  trial.status = find_trial_status(status).value_or(TrialStatus::Crash);
  trial.reason = row.text();
  trial.log = row.text();
  trial.time_us = row.real();
  trial.low_us = row.real();
  trial.high_us = row.real();
  trial.samples = row.integer<int>();
  trial.sm_mhz = row.integer<int>();
  trial.memory_mhz = row.integer<int>();
  trial.registers = row.integer<int>();
  trial.smem_bytes = row.integer<int>();
  trial.spill_bytes = row.integer<int>();
  trial.compile_ms = row.real();
  trial.parity_ms = row.real();
  trial.measure_ms = row.real();
  trial.run = row.integer();
  trial.created_utc = row.text();
  return trial;
}

// nullopt: the row is damaged, and a warning said so.
std::optional<TrialRecord> read_trial(Statement& row, WarnOnce& warnings) {
  std::string status;
  TrialRecord trial = read_columns(row, status);
  if (!is_key_intact("trial", trial.key, trial.key_text, warnings)) return std::nullopt;
  if (find_trial_status(status)) return trial;
  warnings.warn(fmt::format("trial {}", trial.key),
                fmt::format("cache: trial {} is damaged (status '{}'); treated as not cached", trial.id, status));
  return std::nullopt;
}

void insert_parity(SqliteDatabase& database, std::int64_t trial, const ParityRecord& parity) {
  database
      .prepare(
          "INSERT INTO parity (trial, parity_case, tensor, max_error, mean_error, l2_error, max_allowed, "
          "mean_allowed, l2_allowed, passed, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind_all(trial, parity.parity_case, parity.tensor, parity.max_error, parity.mean_error, parity.l2_error,
                parity.max_allowed, parity.mean_allowed, parity.l2_allowed, parity.passed, parity.reason)
      .run();
}

}  // namespace

std::int64_t insert_trial(SqliteDatabase& database, const TrialRecord& trial, const std::vector<ParityRecord>& parity) {
  require_key("trial", trial.key, trial.key_text);
  require_run(database, trial.run);
  database
      .prepare(
          "INSERT INTO trial (key, key_text, kernel_key, op, problem, workload, device, config, baseline, status, "
          "reason, log, time_us, low_us, high_us, samples, sm_mhz, memory_mhz, registers, smem_bytes, spill_bytes, "
          "compile_ms, parity_ms, measure_ms, run, created_utc) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind_all(trial.key, trial.key_text, trial.kernel_key, trial.op, make_problem_id(database, trial.problem), trial.workload,
                make_device_id(database, trial.device), trial.config, trial.baseline, to_string(trial.status), trial.reason,
                trial.log, trial.time_us, trial.low_us, trial.high_us, trial.samples, trial.sm_mhz, trial.memory_mhz,
                trial.registers, trial.smem_bytes, trial.spill_bytes, trial.compile_ms, trial.parity_ms, trial.measure_ms,
                trial.run, trial.created_utc.empty() ? utc_now() : trial.created_utc)
      .run();
  const std::int64_t id = database.last_insert_id();
  for (const ParityRecord& row : parity) insert_parity(database, id, row);
  return id;
}

void update_trial_timing(SqliteDatabase& database, const TrialRecord& trial) {
  database
      .prepare(
          "UPDATE trial SET time_us = ?, low_us = ?, high_us = ?, samples = ?, sm_mhz = ?, memory_mhz = ?, "
          "measure_ms = ? WHERE id = ? AND key = ? AND status = 'measured'")
      .bind_all(trial.time_us, trial.low_us, trial.high_us, trial.samples, trial.sm_mhz, trial.memory_mhz, trial.measure_ms,
                trial.id, trial.key)
      .run();
  if (database.changed_rows() == 1) return;
  throw Error(ErrorCode::Cache, fmt::format("cannot update the times of trial {} with key {}: the cache holds no such "
                                            "measured trial",
                                            trial.id, trial.key));
}

std::optional<TrialRecord> find_trial_by_key(SqliteDatabase& database, const std::string& key, WarnOnce& warnings) {
  Statement row = database.prepare(select_trial("WHERE trial.key = ? ORDER BY trial.id DESC LIMIT 1"));
  if (!row.bind_all(key).step()) return std::nullopt;
  return read_trial(row, warnings);
}

std::optional<TrialRecord> find_trial_by_id(SqliteDatabase& database, std::int64_t id, WarnOnce& warnings) {
  Statement row = database.prepare(select_trial("WHERE trial.id = ?"));
  if (!row.bind_all(id).step()) return std::nullopt;
  return read_trial(row, warnings);
}

std::vector<TrialRecord> find_all_trials(SqliteDatabase& database, WarnOnce& warnings) {
  std::vector<TrialRecord> trials;
  Statement row = database.prepare(select_trial("ORDER BY trial.id"));
  while (row.step()) {
    if (auto trial = read_trial(row, warnings)) trials.push_back(std::move(*trial));
  }
  return trials;
}

std::vector<TrialRecord> find_trials_as_stored(SqliteDatabase& database) {
  std::vector<TrialRecord> trials;
  std::string status;
  Statement row = database.prepare(select_trial("ORDER BY trial.id"));
  while (row.step()) trials.push_back(read_columns(row, status));
  return trials;
}

std::vector<ParityRecord> find_parity_rows(SqliteDatabase& database, std::int64_t trial) {
  std::vector<ParityRecord> rows;
  Statement row = database.prepare(
      "SELECT trial, parity_case, tensor, max_error, mean_error, l2_error, max_allowed, mean_allowed, l2_allowed, passed, "
      "reason FROM parity WHERE trial = ? ORDER BY id");
  row.bind_all(trial);
  while (row.step()) {
    ParityRecord& parity = rows.emplace_back();
    parity.trial = row.integer();
    parity.parity_case = row.text();
    parity.tensor = row.text();
    parity.max_error = row.real();
    parity.mean_error = row.real();
    parity.l2_error = row.real();
    parity.max_allowed = row.real();
    parity.mean_allowed = row.real();
    parity.l2_allowed = row.real();
    parity.passed = row.integer() != 0;
    parity.reason = row.text();
  }
  return rows;
}

}  // namespace nsajit::cache
