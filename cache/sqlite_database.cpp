// SqliteDatabase: the only file that includes sqlite3.h.

#include "cache/sqlite_database.h"

#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "core/log.h"

namespace nsajit::cache {
namespace {

SqliteFault sort_fault(int status) {
  switch (status & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return SqliteFault::Busy;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return SqliteFault::ReadOnly;
    case SQLITE_CANTOPEN: return SqliteFault::CannotOpen;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return SqliteFault::Damaged;
    case SQLITE_FULL: return SqliteFault::Full;
    case SQLITE_IOERR: return SqliteFault::InputOutput;
    case SQLITE_CONSTRAINT: return SqliteFault::Constraint;
    default: return SqliteFault::Other;
  }
}

[[noreturn]] void fail(sqlite3* connection, int status) {
  const int extended = connection != nullptr ? sqlite3_extended_errcode(connection) : status;
  const char* message = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(status);
  throw SqliteFailure(sort_fault(status), fmt::format("SQLite answered \"{}\" (code {})", message, extended));
}

// A file: URI of the path, for the parameters that only a URI can carry.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char character : path) {
    if (character == '%' || character == '?' || character == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned>(character));
    } else {
      uri.push_back(character);
    }
  }
  return uri + "?immutable=1";
}

int open_flags(SqliteMode mode) {
  const int shared = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (mode == SqliteMode::Create) return shared | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (mode == SqliteMode::Immutable) return shared | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  return shared | SQLITE_OPEN_READONLY;
}

}  // namespace

Statement::Statement(sqlite3* connection, std::string_view sql) : connection_(connection) {
  check(sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_),
      column_(other.column_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int status) {
  if (status != SQLITE_OK) fail(connection_, status);
}

bool Statement::step() {
  column_ = 0;
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) fail(connection_, status);
  return false;
}

void Statement::run() {
  while (step()) {}
}

void Statement::bind(int index, std::int64_t value) { check(sqlite3_bind_int64(statement_, index, value)); }

void Statement::bind(int index, double value) { check(sqlite3_bind_double(statement_, index, value)); }

void Statement::bind(int index, std::string_view value) {
  // An empty view may hold a null pointer, which SQLite would store as NULL.
  const char* data = value.data() != nullptr ? value.data() : "";
  check(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, std::span<const std::byte> value) {
  const std::byte nothing{};
  const std::byte* data = value.data() != nullptr ? value.data() : &nothing;
  check(sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_TRANSIENT));
}

std::int64_t Statement::next_integer() { return sqlite3_column_int64(statement_, column_++); }

double Statement::real() {
  const int column = column_++;
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(statement_, column);
}

std::string Statement::text() {
  const int column = column_++;
  const unsigned char* data = sqlite3_column_text(statement_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::vector<std::byte> Statement::blob() {
  const int column = column_++;
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, data + sqlite3_column_bytes(statement_, column)};
}

SqliteDatabase::SqliteDatabase(const std::string& path, SqliteMode mode, int busy_timeout_ms) {
  const std::string name = mode == SqliteMode::Immutable ? immutable_uri(path) : path;
  const int status = sqlite3_open_v2(name.c_str(), &connection_, open_flags(mode), nullptr);
  try {
    if (status != SQLITE_OK) fail(connection_, status);
    set_busy_timeout(busy_timeout_ms);
    // A file from elsewhere may carry hostile SQL in its schema; a page whose cells lie wrong is damage, not data.
    execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  } catch (const SqliteFailure&) {
    sqlite3_close_v2(std::exchange(connection_, nullptr));
    throw;
  }
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(connection_); }

void SqliteDatabase::execute(const std::string& sql) {
  const int status = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) fail(connection_, status);
}

std::int64_t SqliteDatabase::query_integer(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer() : 0;
}

std::string SqliteDatabase::query_text(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.text() : std::string();
}

void SqliteDatabase::set_busy_timeout(int ms) { sqlite3_busy_timeout(connection_, ms); }

bool SqliteDatabase::in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

std::int64_t SqliteDatabase::last_insert_id() const { return sqlite3_last_insert_rowid(connection_); }

std::int64_t SqliteDatabase::changed_rows() const { return sqlite3_changes64(connection_); }

Transaction::Transaction(SqliteDatabase& database, TransactionKind kind) : database_(database) {
  database_.execute(kind == TransactionKind::Write ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED");
}

// SQLite itself rolls back after the worst failures; then nothing is left to do.
Transaction::~Transaction() {
  if (!database_.in_transaction()) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const SqliteFailure& failure) { log_error(fmt::format("cannot roll back a cache transaction: {}", failure.what())); }
}

void Transaction::commit() { database_.execute("COMMIT"); }

}  // namespace nsajit::cache
