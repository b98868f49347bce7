// Cache::Database: opening for either mode, and the sentences that troubles become.

#include "cache/database.h"

#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "cache/schema.h"
#include "core/log.h"

namespace nsajit::cache {
namespace {

constexpr std::string_view kElsewhere = "pass another file with --cache or NSAJIT_CACHE";

std::string advice(SqliteFault fault) {
  switch (fault) {
    case SqliteFault::Busy: return fmt::format("another process holds the file: try again, or {}", kElsewhere);
    case SqliteFault::ReadOnly:
    case SqliteFault::CannotOpen: return fmt::format("make the file and its folder writable, or {}", kElsewhere);
    case SqliteFault::Damaged: return fmt::format("the file is damaged or no database: move it away, or {}", kElsewhere);
    case SqliteFault::Full: return fmt::format("the disk is full: free space, or {}", kElsewhere);
    case SqliteFault::InputOutput: return fmt::format("the disk refused: check it and its free space, or {}", kElsewhere);
    case SqliteFault::Constraint:
    case SqliteFault::Other: break;
  }
  return "nothing was stored";
}

// The sentence about a schema that this build cannot use.
std::string schema_trouble(const SchemaReport& report) {
  switch (report.state) {
    case SchemaState::Empty: return "it holds no tables";
    case SchemaState::Newer:
      return fmt::format("its schema version is {}, this nsajit knows {}: update nsajit, or {}", report.version, kSchemaVersion,
                         kElsewhere);
    case SchemaState::Foreign: return fmt::format("it is a SQLite database of another program: {}", kElsewhere);
    case SchemaState::Older:
    case SchemaState::Current: break;
  }
  return {};
}

void make_parent_folders(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    throw Error(ErrorCode::Cache, fmt::format("cannot open cache {}: the folder {} cannot be made: {}; make it writable, or {}",
                                              path, folder.string(), problem.message(), kElsewhere));
  }
}

void require_no_folder(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return;
  throw Error(ErrorCode::Cache, fmt::format("cannot open cache {}: it is a folder, a file is wanted; {}", path, kElsewhere));
}

// SQLite takes a file shorter than its smallest page for a new database and would write over what is there.
void require_no_fragment(const std::string& path) {
  constexpr std::uintmax_t kSmallestPage = 512;
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  if (ignored || bytes == 0 || bytes >= kSmallestPage) return;
  throw SqliteFailure(SqliteFault::Damaged, fmt::format("a file of {} bytes is no database", bytes));
}

// The journal lies beside the file: SQLite would notice a read-only folder only at the first write.
void require_writable_folder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string name = folder.empty() ? "." : folder.string();
  if (access(name.c_str(), W_OK) == 0) return;
  const std::string answer = std::generic_category().message(errno);
  throw Error(ErrorCode::Cache, fmt::format("cannot open cache {} for writing: its folder {} refuses: {}; {}", path, name, answer,
                                            advice(SqliteFault::ReadOnly)));
}

// Asked before SQLite is: it would leave a log beside a file that it then cannot write.
void require_writable_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || access(path.c_str(), W_OK) == 0) return;
  throw Error(ErrorCode::Cache,
              fmt::format("cannot open cache {} for writing: the file is read-only; {}", path, advice(SqliteFault::ReadOnly)));
}

bool has_pending_log(const std::string& path) { return look_at_file(path).log_bytes > 0; }

struct Reader {
  std::unique_ptr<SqliteDatabase> connection;
  SchemaReport report;
  std::optional<FileState> unlocked;
};

Reader connect_unlocked(const std::string& path, int busy_timeout_ms) {
  Reader reader{.unlocked = look_at_file(path)};
  reader.connection = std::make_unique<SqliteDatabase>(path, SqliteMode::Immutable, busy_timeout_ms);
  reader.report = inspect_schema(*reader.connection);
  return reader;
}

// SQLite reads a write-ahead-log file only where it may put shared memory beside it. A file in a read-only
// folder with no log pending is complete in itself and can be read as it lies.
Reader connect_reader(const std::string& path, int busy_timeout_ms) {
  if (is_at_rest_for_reader(path)) return connect_unlocked(path, busy_timeout_ms);
  try {
    Reader reader{.connection = std::make_unique<SqliteDatabase>(path, SqliteMode::Read, busy_timeout_ms)};
    reader.report = inspect_schema(*reader.connection);
    return reader;
  } catch (const SqliteFailure& failure) {
    std::error_code ignored;
    const bool place = failure.fault() == SqliteFault::CannotOpen || failure.fault() == SqliteFault::ReadOnly;
    if (!place || !std::filesystem::is_regular_file(path, ignored) || has_pending_log(path)) throw;
  }
  return connect_unlocked(path, busy_timeout_ms);
}

// Later versions only add tables and indices, so that what this build asks for is there.
bool is_readable(const SchemaReport& report) {
  return report.state == SchemaState::Current || report.state == SchemaState::Older;
}

}  // namespace

std::unique_ptr<Cache::Database> Cache::Database::open(const std::string& path, OpenMode mode, int busy_timeout_ms) {
  if (path.empty()) throw Error(ErrorCode::InvalidArgument, "cannot open a cache without a path");
  std::unique_ptr<Database> database(new Database(path, mode, busy_timeout_ms));
  if (mode == OpenMode::ReadWrite) {
    database->open_for_writing();
  } else {
    database->open_for_reading();
  }
  return database;
}

void Cache::Database::open_for_writing() {
  require_no_folder(path_);
  make_parent_folders(path_);
  require_writable_folder(path_);
  require_writable_file(path_);
  try {
    require_no_fragment(path_);
    auto connection = std::make_unique<SqliteDatabase>(path_, SqliteMode::Create, busy_timeout_ms_);
    SchemaReport report = inspect_schema(*connection);
    if (report.state == SchemaState::Empty || report.state == SchemaState::Older) {
      migrate(*connection);
      if (report.state == SchemaState::Older)
        log_info(fmt::format("cache {} was brought from schema version {} to {}", path_, report.version, kSchemaVersion));
      report = inspect_schema(*connection);
    }
    if (report.state != SchemaState::Current) {
      throw Error(ErrorCode::Cache, fmt::format("cannot use cache {}: {}", path_, schema_trouble(report)));
    }
    choose_journal(*connection, path_);
    ++times_opened_;
    connection_ = std::move(connection);
  } catch (const SqliteFailure& failure) {
    throw Error(ErrorCode::Cache, fmt::format("cannot open cache {}: {}; {}", path_, failure.what(), advice(failure.fault())));
  }
}

void Cache::Database::open_for_reading() {
  ++times_opened_;
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored) && !ignored) {
    log_debug(fmt::format("cache {} is not there yet: nothing is known", path_));
    return;
  }
  try {
    require_no_fragment(path_);
    Reader reader = connect_reader(path_, busy_timeout_ms_);
    if (is_readable(reader.report)) {
      connection_ = std::move(reader.connection);
      unlocked_ = reader.unlocked;
      return;
    }
    warnings_.warn("file", fmt::format("cache {} is not used: {}", path_, schema_trouble(reader.report)));
  } catch (const SqliteFailure& failure) {
    warnings_.warn("file", fmt::format("cache {} is not used: {}; {}", path_, failure.what(), advice(failure.fault())));
  }
}

void Cache::Database::reopen_if_changed() {
  if (!unlocked_ || *unlocked_ == look_at_file(path_)) return;
  connection_.reset();
  unlocked_.reset();
  open_for_reading();
}

SqliteDatabase& Cache::Database::writable(const std::string& attempt) {
  if (mode_ == OpenMode::ReadWrite) return *connection_;
  throw Error(ErrorCode::Cache, fmt::format("cannot {} in cache {}: it was opened for reading only", attempt, path_));
}

void Cache::Database::give_back_space() {
  SqliteDatabase& connection = writable("compact");
  try {
    connection.execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const SqliteFailure& failure) {
    log_warn(fmt::format("cache {} keeps its size for now: {}; the space within it is used for what is stored next", path_,
                         failure.what()));
  }
}

void Cache::Database::miss(const std::string& attempt, const SqliteFailure& failure) {
  warnings_.warn("file", fmt::format("cache {}: cannot {}: {}; treated as not cached: {}", path_, attempt, failure.what(),
                                     advice(failure.fault())));
  // Waiting once was fair; a program that only reads must not wait at each lookup.
  if (failure.fault() == SqliteFault::Busy && mode_ == OpenMode::ReadOnly) connection_->set_busy_timeout(0);
}

void Cache::Database::refuse(const std::string& attempt, const SqliteFailure& failure) const {
  throw Error(ErrorCode::Cache,
              fmt::format("cannot {} in cache {}: {}; {}", attempt, path_, failure.what(), advice(failure.fault())));
}

}  // namespace nsajit::cache
