#pragma once
// RunTable: invocations of the tuner, and the devices they ran on. Free functions over an open connection; those
// that store run inside the caller's transaction.

#include <cstdint>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;

std::int64_t insert_run(SqliteDatabase& database, const RunRecord& run);
void set_run_finished(SqliteDatabase& database, std::int64_t run, const std::string& finished_utc);
std::vector<RunRecord> find_all_runs(SqliteDatabase& database);

// Throws Error{Cache}: every stored number is traced to the run that made it.
void require_run(SqliteDatabase& database, std::int64_t run);

// New facts of a known device replace the old ones.
void upsert_device(SqliteDatabase& database, const DeviceRecord& device);
std::vector<DeviceRecord> find_all_devices(SqliteDatabase& database);

}  // namespace nsajit::cache
