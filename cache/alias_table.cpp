// AliasTable: the SQL of alias.

#include "cache/alias_table.h"

#include "cache/sqlite_database.h"
#include "cache/utc_time.h"

namespace nsajit::cache {
namespace {

bool has_aliases(SqliteDatabase& database) { return database.query_integer("PRAGMA user_version") >= 2; }

}  // namespace

void replace_alias(SqliteDatabase& database, const AliasRecord& alias) {
  database.prepare("INSERT OR REPLACE INTO alias (model, measured_on, created_utc) VALUES (?, ?, ?)")
      .bind_all(alias.model, alias.measured_on, alias.created_utc.empty() ? utc_now() : alias.created_utc)
      .run();
}

bool remove_alias(SqliteDatabase& database, const std::string& model, const std::string& measured_on) {
  database.prepare("DELETE FROM alias WHERE model = ? AND measured_on = ?").bind_all(model, measured_on).run();
  return database.changed_rows() > 0;
}

std::vector<AliasRecord> find_all_aliases(SqliteDatabase& database) {
  std::vector<AliasRecord> aliases;
  if (!has_aliases(database)) return aliases;
  Statement row = database.prepare("SELECT model, measured_on, created_utc FROM alias ORDER BY model, measured_on");
  while (row.step()) {
    AliasRecord& alias = aliases.emplace_back();
    alias.model = row.text();
    alias.measured_on = row.text();
    alias.created_utc = row.text();
  }
  return aliases;
}

std::vector<std::string> find_aliased_devices(SqliteDatabase& database, const std::string& model, std::string_view backend,
                                              std::string_view arch) {
  std::vector<std::string> devices;
  if (!has_aliases(database)) return devices;
  Statement row = database.prepare(
      "SELECT device.identity FROM alias JOIN device ON device.name = alias.measured_on "
      "WHERE alias.model = ? AND device.backend = ? AND device.arch = ? ORDER BY device.identity");
  row.bind_all(model, backend, arch);
  while (row.step()) devices.push_back(row.text());
  return devices;
}

}  // namespace nsajit::cache
