// IdentityRows: insert where missing, then look the id up.

#include "cache/identity_rows.h"

#include <string_view>

#include "cache/sqlite_database.h"

namespace nsajit::cache {
namespace {

std::int64_t make_id(SqliteDatabase& database, std::string_view insert, std::string_view select, const std::string& text) {
  database.prepare(insert).bind_all(text).run();
  Statement statement = database.prepare(select);
  statement.bind_all(text).step();
  return statement.integer();
}

}  // namespace

std::int64_t make_problem_id(SqliteDatabase& database, const std::string& tuple) {
  return make_id(database, "INSERT INTO problem (tuple) VALUES (?) ON CONFLICT DO NOTHING",
                 "SELECT id FROM problem WHERE tuple = ?", tuple);
}

std::int64_t make_device_id(SqliteDatabase& database, const std::string& identity) {
  return make_id(database, "INSERT INTO device (identity) VALUES (?) ON CONFLICT DO NOTHING",
                 "SELECT id FROM device WHERE identity = ?", identity);
}

std::int64_t make_toolchain_id(SqliteDatabase& database, const std::string& identity) {
  return make_id(database, "INSERT INTO toolchain (identity) VALUES (?) ON CONFLICT DO NOTHING",
                 "SELECT id FROM toolchain WHERE identity = ?", identity);
}

}  // namespace nsajit::cache
