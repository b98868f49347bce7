#pragma once
// SqliteDatabase: a connection, its statements and its transactions as RAII types. The door to SQLite; nothing
// outside this folder includes it. Not thread-safe: a connection belongs to one thread.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nsajit/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace nsajit::cache {

// What SQLite answered, sorted by what a person can do about it.
enum class SqliteFault : std::uint8_t { Busy, ReadOnly, CannotOpen, Damaged, Full, InputOutput, Constraint, Other };

// Thrown by this door; the cache turns it into a miss or into an Error that names attempt, path and remedy.
class SqliteFailure : public Error {
 public:
  SqliteFailure(SqliteFault fault, const std::string& answer) : Error(ErrorCode::Cache, answer), fault_(fault) {}
  SqliteFault fault() const { return fault_; }

 private:
  SqliteFault fault_;
};

enum class SqliteMode : std::uint8_t {
  Create,     // read and write; the file is made where it is missing
  Read,       // never writes the database file
  Immutable,  // reads a file that nobody can be writing, without locks
};

// A prepared statement. Values are bound in order by bind_all and read in order after each step, so that a
// column list and its reader stay in the same sequence.
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view sql);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  template <typename... Values>
  Statement& bind_all(const Values&... values) {
    (bind(++bound_, values), ...);
    return *this;
  }

  bool step();  // true: a row is there to be read
  void run();   // steps to the end

  std::string text();
  double real();  // NULL reads as NaN, and NaN is stored as NULL
  std::vector<std::byte> blob();
  template <std::integral T = std::int64_t>
  T integer() {
    return static_cast<T>(next_integer());
  }

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, std::int64_t{value}); }
  void bind(int index, bool value) { bind(index, std::int64_t{value}); }
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, std::span<const std::byte> value);
  void check(int status);
  std::int64_t next_integer();

  sqlite3* connection_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;   // parameters bound so far
  int column_ = 0;  // next column to read
};

class SqliteDatabase {
 public:
  // Throws SqliteFailure. The file's content is not looked at before the first statement.
  SqliteDatabase(const std::string& path, SqliteMode mode, int busy_timeout_ms);
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  ~SqliteDatabase();

  Statement prepare(std::string_view sql) { return Statement(connection_, sql); }
  void execute(const std::string& sql);              // any number of statements, no results
  std::int64_t query_integer(std::string_view sql);  // first column of the first row; 0 where there is none
  std::string query_text(std::string_view sql);

  void set_busy_timeout(int ms);
  bool in_transaction() const;
  std::int64_t last_insert_id() const;
  std::int64_t changed_rows() const;  // by the last statement

 private:
  sqlite3* connection_ = nullptr;
};

// Write: takes the write lock at once, since a reader that turns into a writer fails despite the busy timeout.
// Snapshot: several reads see one state. Rolled back by the destructor unless committed.
enum class TransactionKind : std::uint8_t { Write, Snapshot };

class Transaction {
 public:
  Transaction(SqliteDatabase& database, TransactionKind kind);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  SqliteDatabase& database_;
};

}  // namespace nsajit::cache
