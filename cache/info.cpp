// Info: counts and pragmas.

#include "cache/info.h"

#include <unistd.h>

#include <fmt/format.h>

#include "cache/alias_table.h"
#include "cache/file_state.h"
#include "cache/network_disk.h"
#include "cache/sqlite_database.h"

namespace nsajit::cache {
namespace {

std::vector<std::pair<std::string, std::int64_t>> count_rows(SqliteDatabase& database) {
  std::vector<std::pair<std::string, std::int64_t>> rows;
  Statement table = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migration' ORDER BY name");
  while (table.step()) {
    const std::string name = table.text();
    rows.emplace_back(name, database.query_integer(fmt::format("SELECT count(*) FROM \"{}\"", name)));
  }
  return rows;
}

std::vector<DeviceInfo> read_devices(SqliteDatabase& database) {
  std::vector<DeviceInfo> devices;
  Statement row = database.prepare(
      "SELECT CASE name WHEN '' THEN identity ELSE name END, backend, arch, "
      "(SELECT count(*) FROM trial WHERE trial.device = device.id), "
      "(SELECT count(*) FROM winner JOIN trial ON trial.id = winner.trial WHERE trial.device = device.id) "
      "FROM device ORDER BY identity");
  while (row.step()) {
    DeviceInfo& device = devices.emplace_back();
    device.name = row.text();
    device.backend = row.text();
    device.arch = row.text();
    device.trials = row.integer();
    device.winners = row.integer();
  }
  return devices;
}

}  // namespace

CacheInfo read_info(SqliteDatabase& database, const std::string& path) {
  const FileState state = look_at_file(path);
  CacheInfo info{.path = path, .file_bytes = state.bytes, .log_bytes = state.log_bytes < 0 ? 0 : state.log_bytes};
  info.schema_version = database.query_integer("PRAGMA user_version");
  info.journal = database.query_text("PRAGMA journal_mode");
  info.network_disk = is_on_network_disk(path);
  info.writable = access(path.c_str(), W_OK) == 0;
  info.code_bytes = database.query_integer("SELECT coalesce(sum(length(code)), 0) FROM binary");
  info.rows = count_rows(database);
  info.devices = read_devices(database);
  for (const AliasRecord& alias : find_all_aliases(database)) info.aliases.emplace_back(alias.model, alias.measured_on);
  info.integrity = database.query_text("PRAGMA quick_check(1)");
  return info;
}

}  // namespace nsajit::cache
