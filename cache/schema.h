#pragma once
// Schema: the tables of the cache file, and how a file of an earlier version becomes one of this version.
// docs/cache_format.md explains them; a test compares the two.

#include <cstdint>
#include <string>

namespace nsajit::cache {

class SqliteDatabase;

// PRAGMA application_id of a cache file: "nsaj". `file` and other tools read it.
inline constexpr std::int64_t kApplicationId = 0x6E73616A;

enum class SchemaState : std::uint8_t {
  Empty,  // no tables at all: a new file
  Current,
  Older,    // migrate() brings it here
  Newer,    // written by a later nsajit
  Foreign,  // a database of another program
};

struct SchemaReport {
  SchemaState state = SchemaState::Empty;
  std::int64_t version = 0;
};

// Reads the header and the table list, in one snapshot; writes nothing. Throws SqliteFailure on damage.
SchemaReport inspect_schema(SqliteDatabase& database);

// Requires: state is Empty or Older. One transaction: other processes see all of it or nothing, and where several
// start at once, one of them does it.
void migrate(SqliteDatabase& database);

// Write-ahead log on local disks, rollback journal elsewhere. Where the file cannot be switched now (another
// process uses it, no shared memory) it stays as it is.
void choose_journal(SqliteDatabase& database, const std::string& path);

}  // namespace nsajit::cache
