#pragma once
// IdentityRows: the small tables that other rows point at (problem, device, toolchain). Each text is stored
// once; asking for its id makes the row where it is missing.

#include <cstdint>
#include <string>

namespace nsajit::cache {

class SqliteDatabase;

std::int64_t make_problem_id(SqliteDatabase& database, const std::string& tuple);
std::int64_t make_device_id(SqliteDatabase& database, const std::string& identity);
std::int64_t make_toolchain_id(SqliteDatabase& database, const std::string& identity);

}  // namespace nsajit::cache
