// ThresholdTable: the SQL of threshold.

#include "cache/threshold_table.h"

#include <string_view>

#include <fmt/format.h>

#include "cache/identity_rows.h"
#include "cache/run_table.h"
#include "cache/sqlite_database.h"
#include "cache/utc_time.h"

namespace nsajit::cache {
namespace {

// Column order is the order of ThresholdRecord's members; read_threshold relies on it.
constexpr const char* kSelectThreshold = R"sql(
SELECT threshold.name, problem.tuple, {} AS workload, device.identity, threshold.key, threshold.value, threshold.margin,
       threshold.ladder_json, threshold.run, threshold.created_utc
FROM threshold JOIN problem ON problem.id = threshold.problem JOIN device ON device.id = threshold.device
)sql";

// A reader takes a file of an earlier version as it is, and those have no workload.
std::string select_thresholds(SqliteDatabase& database, std::string_view rest) {
  constexpr std::int64_t kWithWorkload = 3;
  const bool known = database.query_integer("PRAGMA user_version") >= kWithWorkload;
  return fmt::format(kSelectThreshold, known ? "threshold.workload" : "''").append(rest);
}

ThresholdRecord read_threshold(Statement& row) {
  ThresholdRecord threshold;
  threshold.name = row.text();
  threshold.problem = row.text();
  threshold.workload = row.text();
  threshold.device = row.text();
  threshold.key = row.text();
  threshold.value = row.integer();
  threshold.margin = row.real();
  threshold.ladder_json = row.text();
  threshold.run = row.integer();
  threshold.created_utc = row.text();
  return threshold;
}

}  // namespace

void replace_threshold(SqliteDatabase& database, const ThresholdRecord& threshold) {
  require_run(database, threshold.run);
  database
      .prepare(
          "INSERT OR REPLACE INTO threshold (name, problem, workload, device, key, value, margin, ladder_json, run, created_utc) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind_all(threshold.name, make_problem_id(database, threshold.problem), threshold.workload,
                make_device_id(database, threshold.device), threshold.key, threshold.value, threshold.margin,
                threshold.ladder_json, threshold.run, threshold.created_utc.empty() ? utc_now() : threshold.created_utc)
      .run();
}

std::optional<ThresholdRecord> find_threshold_of(SqliteDatabase& database, const std::string& name, const WinnerRecord& winner) {
  // The empty workload sorts behind any other.
  Statement row = database.prepare(select_thresholds(database,
                                                     "WHERE threshold.name = ? AND problem.tuple = ? AND device.identity = ? "
                                                     "AND workload IN (?, '') ORDER BY workload DESC LIMIT 1"));
  if (!row.bind_all(name, winner.problem, winner.device, winner.workload).step()) return std::nullopt;
  return read_threshold(row);
}

std::vector<ThresholdRecord> find_all_thresholds(SqliteDatabase& database) {
  std::vector<ThresholdRecord> thresholds;
  Statement row =
      database.prepare(select_thresholds(database, "ORDER BY threshold.name, problem.tuple, workload, device.identity"));
  while (row.step()) thresholds.push_back(read_threshold(row));
  return thresholds;
}

}  // namespace nsajit::cache
