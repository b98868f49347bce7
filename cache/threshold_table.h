#pragma once
// ThresholdTable: from which length a tuned kernel is served; one row per name, tuple and device. Free functions
// over an open connection.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;

// Requires: inside a transaction. Replaces the row of the same name, problem and device.
void replace_threshold(SqliteDatabase& database, const ThresholdRecord& threshold);
std::optional<ThresholdRecord> find_threshold_of(SqliteDatabase& database, const std::string& name, const std::string& problem,
                                                 const std::string& device);
std::vector<ThresholdRecord> find_all_thresholds(SqliteDatabase& database);

}  // namespace nsajit::cache
