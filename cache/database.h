#pragma once
// Cache::Database: an open cache file, and the two ways it is used: read() turns every trouble into a miss and
// one warning, write() turns it into Error{Cache} and leaves the file as it was.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cache/cache.h"
#include "cache/file_state.h"
#include "cache/sqlite_database.h"
#include "cache/warn_once.h"

namespace nsajit::cache {

// RollBack: a rehearsal, of which nothing stays.
enum class TransactionEnd : std::uint8_t { Commit, RollBack };

class Cache::Database {
 public:
  // As Cache::open says. `busy_timeout_ms`: how long another process's lock is waited for.
  static std::unique_ptr<Database> open(const std::string& path, OpenMode mode, int busy_timeout_ms);

  const std::string& path() const { return path_; }
  OpenMode mode() const { return mode_; }
  bool is_usable() const { return connection_ != nullptr; }
  std::int64_t times_opened() const { return times_opened_; }
  WarnOnce& warnings() { return warnings_; }

  // `attempt`: completes "cannot ..."; what `work` returns when it is value-initialised means a miss.
  template <typename Work>
  auto read(const std::string& attempt, Work&& work) -> std::invoke_result_t<Work, SqliteDatabase&> {
    reopen_if_changed();
    if (connection_ == nullptr) return {};
    try {
      return work(*connection_);
    } catch (const SqliteFailure& failure) {
      miss(attempt, failure);
      return {};
    }
  }

  // `work` runs in one transaction that holds the write lock.
  template <typename Work>
  auto write(const std::string& attempt, Work&& work, TransactionEnd end = TransactionEnd::Commit)
      -> std::invoke_result_t<Work, SqliteDatabase&> {
    SqliteDatabase& connection = writable(attempt);
    try {
      Transaction transaction(connection, TransactionKind::Write);
      if constexpr (std::is_void_v<std::invoke_result_t<Work, SqliteDatabase&>>) {
        work(connection);
        if (end == TransactionEnd::Commit) transaction.commit();
      } else {
        auto result = work(connection);
        if (end == TransactionEnd::Commit) transaction.commit();
        return result;
      }
    } catch (const SqliteFailure& failure) { refuse(attempt, failure); }
  }

  // Shortens the file by its free pages. Where that cannot be had now, they are used for what is stored next.
  void give_back_space();

 private:
  Database(std::string path, OpenMode mode, int busy_timeout_ms)
      : path_(std::move(path)), mode_(mode), busy_timeout_ms_(busy_timeout_ms) {}

  void open_for_writing();
  void open_for_reading();
  void reopen_if_changed();
  SqliteDatabase& writable(const std::string& attempt);
  void miss(const std::string& attempt, const SqliteFailure& failure);
  [[noreturn]] void refuse(const std::string& attempt, const SqliteFailure& failure) const;

  std::string path_;
  OpenMode mode_;
  int busy_timeout_ms_;
  WarnOnce warnings_;
  std::int64_t times_opened_ = 0;
  std::unique_ptr<SqliteDatabase> connection_;  // none: an empty cache
  std::optional<FileState> unlocked_;           // read without locks since the file looked like this
};

}  // namespace nsajit::cache
