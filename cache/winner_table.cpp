// WinnerTable: the SQL of winner, and the checks that a winner must pass. The schema's triggers refuse the same
// for every other program; the checks here say which condition failed.

#include "cache/winner_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "cache/key_check.h"
#include "cache/run_table.h"
#include "cache/sqlite_database.h"
#include "cache/trial_table.h"
#include "cache/utc_time.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

// Column order is the order of WinnerRecord's members; read_winner relies on it.
constexpr const char* kSelectWinner = R"sql(
SELECT winner.key, winner.key_text, trial.op, problem.tuple, trial.workload, device.identity, trial.config, winner.trial,
       coalesce(winner.baseline_trial, 0), winner.run, winner.time_us, winner.baseline_us, winner.candidates,
       winner.created_utc
FROM winner JOIN trial ON trial.id = winner.trial JOIN problem ON problem.id = trial.problem
     JOIN device ON device.id = trial.device
)sql";

std::string select_winner(std::string_view condition) { return std::string(kSelectWinner).append(condition); }

WinnerRecord read_columns(Statement& row) {
  WinnerRecord winner;
  winner.key = row.text();
  winner.key_text = row.text();
  winner.op = row.text();
  winner.problem = row.text();
  winner.workload = row.text();
  winner.device = row.text();
  winner.config = row.text();
  winner.trial = row.integer();
  winner.baseline_trial = row.integer();
  winner.run = row.integer();
  winner.time_us = row.real();
  winner.baseline_us = row.real();
  winner.candidates = row.integer<int>();
  winner.created_utc = row.text();
  return winner;
}

std::optional<WinnerRecord> read_winner(Statement& row, WarnOnce& warnings) {
  WinnerRecord winner = read_columns(row);
  if (!is_key_intact("winner", winner.key, winner.key_text, warnings)) return std::nullopt;
  return winner;
}

std::vector<WinnerRecord> read_winners(Statement& row, WarnOnce& warnings) {
  std::vector<WinnerRecord> winners;
  while (row.step()) {
    if (auto winner = read_winner(row, warnings)) winners.push_back(std::move(*winner));
  }
  return winners;
}

[[noreturn]] void refuse(const WinnerRecord& winner, const std::string& reason) {
  throw Error(ErrorCode::Cache, fmt::format("cannot store {} as the winner of {} on {}: {}", winner.config, winner.workload,
                                            winner.device, reason));
}

void require_same(const WinnerRecord& winner, std::string_view field, const std::string& mine, const std::string& trials) {
  if (mine == trials) return;
  refuse(winner, fmt::format("its trial {} has {} '{}', the winner has '{}'", winner.trial, field, trials, mine));
}

void check_trial(SqliteDatabase& database, const WinnerRecord& winner, WarnOnce& warnings) {
  const auto trial = find_trial_by_id(database, winner.trial, warnings);
  if (!trial) refuse(winner, fmt::format("its trial {} is not in the cache", winner.trial));
  if (trial->status != TrialStatus::Measured) {
    refuse(winner, fmt::format("its trial {} is '{}', not measured: {}", winner.trial, to_string(trial->status), trial->reason));
  }
  require_same(winner, "op", winner.op, trial->op);
  require_same(winner, "problem", winner.problem, trial->problem);
  require_same(winner, "workload", winner.workload, trial->workload);
  require_same(winner, "device", winner.device, trial->device);
  require_same(winner, "config", winner.config, trial->config);
}

void check_parity_rows(SqliteDatabase& database, const WinnerRecord& winner) {
  const std::vector<ParityRecord> rows = find_parity_rows(database, winner.trial);
  if (rows.empty()) refuse(winner, fmt::format("its trial {} never went through the parity gate", winner.trial));
  const auto failed = std::find_if(rows.begin(), rows.end(), [](const ParityRecord& row) { return !row.passed; });
  if (failed == rows.end()) return;
  refuse(winner, fmt::format("its trial {} failed the parity gate on {}, tensor {}: {}", winner.trial, failed->parity_case,
                             failed->tensor, failed->reason));
}

void check_baseline(SqliteDatabase& database, const WinnerRecord& winner, WarnOnce& warnings) {
  if (winner.baseline_trial == 0) return;
  const auto baseline = find_trial_by_id(database, winner.baseline_trial, warnings);
  const bool fits = baseline && baseline->baseline && baseline->status == TrialStatus::Measured && baseline->op == winner.op &&
                    baseline->workload == winner.workload && baseline->problem == winner.problem &&
                    baseline->device == winner.device;
  if (fits) return;
  refuse(winner,
         fmt::format("its baseline trial {} is not a measured baseline of the same workload and device", winner.baseline_trial));
}

// The parity row that came nearest to its limit: the one to look at when a winner is doubted.
std::int64_t closest_parity_row(SqliteDatabase& database, std::int64_t trial) {
  Statement row = database.prepare(
      "SELECT id FROM parity WHERE trial = ? "
      "ORDER BY CASE WHEN max_allowed > 0 THEN max_error / max_allowed ELSE 0 END DESC, id LIMIT 1");
  row.bind_all(trial).step();
  return row.integer();
}

}  // namespace

void replace_winner(SqliteDatabase& database, const WinnerRecord& winner, WarnOnce& warnings) {
  require_key("winner", winner.key, winner.key_text);
  require_run(database, winner.run);
  check_trial(database, winner, warnings);
  check_parity_rows(database, winner);
  check_baseline(database, winner, warnings);
  // Deleted and inserted, not updated: ids grow, so the newest decision has the largest whatever the clock says.
  database.prepare("DELETE FROM winner WHERE key = ?").bind_all(winner.key).run();
  database
      .prepare(
          "INSERT INTO winner (key, key_text, trial, parity, baseline_trial, run, time_us, baseline_us, candidates, "
          "created_utc) VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?)")
      .bind_all(winner.key, winner.key_text, winner.trial, closest_parity_row(database, winner.trial), winner.baseline_trial,
                winner.run, winner.time_us, winner.baseline_us, winner.candidates,
                winner.created_utc.empty() ? utc_now() : winner.created_utc)
      .run();
}

std::optional<WinnerRecord> find_winner_by_key(SqliteDatabase& database, const std::string& key, WarnOnce& warnings) {
  Statement row = database.prepare(select_winner("WHERE winner.key = ?"));
  if (!row.bind_all(key).step()) return std::nullopt;
  return read_winner(row, warnings);
}

std::vector<WinnerRecord> find_winners_of(SqliteDatabase& database, const std::string& problem, const std::string& device,
                                          WarnOnce& warnings) {
  Statement row = database.prepare(select_winner("WHERE problem.tuple = ? AND device.identity = ? ORDER BY winner.id DESC"));
  row.bind_all(problem, device);
  return read_winners(row, warnings);
}

std::vector<WinnerRecord> find_all_winners(SqliteDatabase& database, WarnOnce& warnings) {
  Statement row = database.prepare(select_winner("ORDER BY winner.id DESC"));
  return read_winners(row, warnings);
}

std::vector<WinnerRecord> find_winners_as_stored(SqliteDatabase& database) {
  std::vector<WinnerRecord> winners;
  Statement row = database.prepare(select_winner("ORDER BY winner.id"));
  while (row.step()) winners.push_back(read_columns(row));
  return winners;
}

}  // namespace nsajit::cache
