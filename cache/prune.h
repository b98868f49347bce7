#pragma once
// Prune: makes a cache file smaller by evicting binaries. Decisions and measurements stay; what is evicted is compiled
// again when it is wanted.

#include <chrono>
#include <cstdint>
#include <optional>

namespace nsajit::cache {

class SqliteDatabase;

struct PruneOptions {
  std::optional<std::int64_t> most_bytes;          // of the file
  std::optional<std::chrono::seconds> older_than;  // evict what nobody asked for in that time; spares the winners' own
  bool dry_run = false;
};

struct PruneReport {
  std::int64_t evicted = 0;        // binaries
  std::int64_t evicted_bytes = 0;  // of code and what is stored with it
  std::int64_t kept = 0;           // binaries
  std::int64_t live_bytes = 0;     // of the file without its free pages, afterwards
  bool within_limit = true;        // false: decisions and measurements alone are larger
};

// Least recently used first; the binaries of winners and their baselines last, since a program that only reads leaves
// no trace of its use. Requires: inside a transaction.
PruneReport evict_binaries(SqliteDatabase& database, const PruneOptions& options);

}  // namespace nsajit::cache
