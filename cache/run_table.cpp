// RunTable: the SQL of run and device.

#include "cache/run_table.h"

#include <fmt/format.h>

#include "cache/identity_rows.h"
#include "cache/sqlite_database.h"
#include "cache/utc_time.h"

namespace nsajit::cache {
namespace {

bool has_run(SqliteDatabase& database, std::int64_t run) {
  return database.prepare("SELECT 1 FROM run WHERE id = ?").bind_all(run).step();
}

}  // namespace

std::int64_t insert_run(SqliteDatabase& database, const RunRecord& run) {
  database
      .prepare(
          "INSERT INTO run (command, device, toolchain, nsajit_version, started_utc, finished_utc) "
          "VALUES (?, ?, ?, ?, ?, ?)")
      .bind_all(run.command, make_device_id(database, run.device), make_toolchain_id(database, run.toolchain), run.nsajit_version,
                run.started_utc.empty() ? utc_now() : run.started_utc, run.finished_utc)
      .run();
  return database.last_insert_id();
}

void set_run_finished(SqliteDatabase& database, std::int64_t run, const std::string& finished_utc) {
  require_run(database, run);
  database.prepare("UPDATE run SET finished_utc = ? WHERE id = ?").bind_all(finished_utc, run).run();
}

std::vector<RunRecord> find_all_runs(SqliteDatabase& database) {
  std::vector<RunRecord> runs;
  Statement row = database.prepare(
      "SELECT run.id, run.command, device.identity, run.nsajit_version, run.started_utc, run.finished_utc, "
      "toolchain.identity FROM run JOIN device ON device.id = run.device JOIN toolchain ON toolchain.id = run.toolchain "
      "ORDER BY run.id");
  while (row.step()) {
    RunRecord& run = runs.emplace_back();
    run.id = row.integer();
    run.command = row.text();
    run.device = row.text();
    run.nsajit_version = row.text();
    run.started_utc = row.text();
    run.finished_utc = row.text();
    run.toolchain = row.text();
  }
  return runs;
}

void require_run(SqliteDatabase& database, std::int64_t run) {
  if (has_run(database, run)) return;
  throw Error(ErrorCode::Cache, fmt::format("run {} is not in the cache: begin_run makes one, and every record names it", run));
}

void upsert_device(SqliteDatabase& database, const DeviceRecord& device) {
  database
      .prepare(
          "UPDATE device SET name = ?, backend = ?, arch = ?, processors = ?, memory_bytes = ?, l2_bytes = ?, "
          "features = ? WHERE id = ?")
      .bind_all(device.name, device.backend, device.arch, device.processors, device.memory_bytes, device.l2_bytes,
                device.features, make_device_id(database, device.device))
      .run();
}

std::vector<DeviceRecord> find_all_devices(SqliteDatabase& database) {
  std::vector<DeviceRecord> devices;
  Statement row = database.prepare(
      "SELECT identity, name, backend, arch, processors, memory_bytes, l2_bytes, features FROM device ORDER BY id");
  while (row.step()) {
    DeviceRecord& device = devices.emplace_back();
    device.device = row.text();
    device.name = row.text();
    device.backend = row.text();
    device.arch = row.text();
    device.processors = row.integer<int>();
    device.memory_bytes = row.integer();
    device.l2_bytes = row.integer();
    device.features = row.text();
  }
  return devices;
}

}  // namespace nsajit::cache
