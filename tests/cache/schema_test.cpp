// Schema: a new file, a file of another version, a file of another program, and the page that describes it all.

#include "cache/schema.h"

#include <map>
#include <set>
#include <sstream>
#include <string>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "cache_format_doc.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

using Columns = std::map<std::string, std::vector<std::string>>;  // table -> "name type", in order

Columns columns_of_database(const std::string& path) {
  SqliteDatabase database(path, SqliteMode::Read, 0);
  Columns columns;
  Statement row = database.prepare(
      "SELECT t.name, c.name || ' ' || c.type FROM pragma_table_list AS t, pragma_table_info(t.name) AS c "
      "WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid");
  while (row.step()) {
    const std::string table = row.text();
    columns[table].push_back(row.text());
  }
  return columns;
}

// "### table" opens a table; "| `column` | type |" is a column of it.
Columns columns_of_page() {
  Columns columns;
  std::string table;
  std::istringstream page(kCacheFormatDoc);
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("## ", 0) == 0) table.clear();
    if (line.rfind("### ", 0) == 0) table = line.substr(4);
    if (table.empty() || line.rfind("| `", 0) != 0) continue;
    const auto name_end = line.find('`', 3);
    const auto type_end = line.find(" |", name_end + 4);
    columns[table].push_back(line.substr(3, name_end - 3) + " " + line.substr(name_end + 4, type_end - name_end - 4));
  }
  return columns;
}

std::string make_cache(const ScratchFolder& folder) {
  Cache::open(folder.file(), OpenMode::ReadWrite);
  return folder.file();
}

void run_sql(const std::string& path, const std::string& sql) { SqliteDatabase(path, SqliteMode::Create, 1000).execute(sql); }

std::int64_t ask(const std::string& path, const std::string& sql) {
  return SqliteDatabase(path, SqliteMode::Create, 1000).query_integer(sql);
}

}  // namespace

TEST_CASE("docs/cache_format.md lists the tables and columns of a new file, in order") {
  ScratchFolder folder;
  REQUIRE(columns_of_page() == columns_of_database(make_cache(folder)));
}

TEST_CASE("docs/cache_format.md names the versions that a new file carries") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  const std::string page = kCacheFormatDoc;
  REQUIRE(page.find("`PRAGMA application_id` | " + std::to_string(ask(path, "PRAGMA application_id")) + " ") !=
          std::string::npos);
  REQUIRE(page.find("`PRAGMA user_version` | " + std::to_string(ask(path, "PRAGMA user_version")) + ",") != std::string::npos);
}

TEST_CASE("every table of a new file is strict") {
  ScratchFolder folder;
  REQUIRE(ask(make_cache(folder),
              "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 "
              "AND name NOT LIKE 'sqlite_%'") == 0);
}

TEST_CASE("a new file names its version, its program and its migration") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  REQUIRE(ask(path, "PRAGMA user_version") == kSchemaVersion);
  REQUIRE(ask(path, "PRAGMA application_id") == kApplicationId);
  REQUIRE(ask(path, "SELECT count(*) FROM migration") == kSchemaVersion);
}

TEST_CASE("opening a file again migrates nothing") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  make_cache(folder);
  REQUIRE(ask(path, "SELECT count(*) FROM migration") == kSchemaVersion);
}

TEST_CASE("a file of a newer schema is empty for a reader, with one warning") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  run_sql(path, "PRAGMA user_version = 99");
  CapturedStderr captured;
  Cache cache = Cache::open(path, OpenMode::ReadOnly);
  REQUIRE(cache.trials().empty());
  REQUIRE_FALSE(cache.find_winner("k"));
  REQUIRE(captured.lines() == 1);
  REQUIRE_THAT(captured.text(),
               says("its schema version is 99, this nsajit knows " + std::to_string(kSchemaVersion) + ": update nsajit"));
}

TEST_CASE("a file of a newer schema is refused for writing and stays as it was") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  run_sql(path, "PRAGMA user_version = 99");
  REQUIRE_THROWS_WITH(Cache::open(path, OpenMode::ReadWrite), says("its schema version is 99.*pass another file with --cache"));
  REQUIRE(ask(path, "PRAGMA user_version") == 99);
}

TEST_CASE("another program's database is refused for writing and stays as it was") {
  ScratchFolder folder;
  run_sql(folder.file(), "CREATE TABLE theirs (x)");
  REQUIRE_THROWS_WITH(Cache::open(folder.file(), OpenMode::ReadWrite), says("a SQLite database of another program"));
  REQUIRE(ask(folder.file(), "SELECT count(*) FROM sqlite_schema") == 1);
}

TEST_CASE("another program's database is empty for a reader, with one warning") {
  ScratchFolder folder;
  run_sql(folder.file(), "CREATE TABLE theirs (x); PRAGMA application_id = 5; PRAGMA user_version = 1");
  CapturedStderr captured;
  REQUIRE(Cache::open(folder.file(), OpenMode::ReadOnly).trials().empty());
  REQUIRE(captured.lines() == 1);
}

TEST_CASE("a database without tables becomes a cache") {
  ScratchFolder folder;
  run_sql(folder.file(), "VACUUM");
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE(cache.begin_run(sample_run()) == 1);
}

TEST_CASE("a local disk gets a write-ahead log") {
  ScratchFolder folder;
  const std::string path = make_cache(folder);
  SqliteDatabase database(path, SqliteMode::Create, 1000);
  REQUIRE(database.query_text("PRAGMA journal_mode") == "wal");
}

TEST_CASE("a trial of a status that is no word of ours is refused by the database itself") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  store_gated_trial(cache, cache.begin_run(sample_run()));
  REQUIRE_THROWS_WITH(run_sql(folder.file(), "UPDATE trial SET status = 'exploded'"), says("CHECK constraint failed"));
}

}  // namespace nsajit::cache
