#pragma once
// ThresholdTable: from which length a tuned kernel is served; one row per name, workload and device. Free functions
// over an open connection.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;

// Requires: inside a transaction. Replaces the row of the same name, problem, workload and device.
void replace_threshold(SqliteDatabase& database, const ThresholdRecord& threshold);
std::optional<ThresholdRecord> find_threshold_of(SqliteDatabase& database, const std::string& name, const WinnerRecord& winner);
std::vector<ThresholdRecord> find_all_thresholds(SqliteDatabase& database);

}  // namespace nsajit::cache
