// Prune: the order of eviction, and when to stop.

#include "cache/prune.h"

#include <string>
#include <vector>

#include "cache/sqlite_database.h"
#include "cache/utc_time.h"

namespace nsajit::cache {
namespace {

struct Evictable {
  std::string kernel_key;
  std::int64_t bytes = 0;
  std::string used_utc;
  bool serves = false;  // a winner, or the baseline that it is compared with
};

std::vector<Evictable> find_in_order(SqliteDatabase& database) {
  std::vector<Evictable> binaries;
  Statement row = database.prepare(
      "SELECT binary.kernel_key, length(code) + length(log) + length(key_text) + length(entries_json), "
      "coalesce(used_utc, created_utc) AS used, "
      "binary.kernel_key IN (SELECT trial.kernel_key FROM winner JOIN trial ON trial.id IN (winner.trial, "
      "winner.baseline_trial)) "
      "AS serves FROM binary LEFT JOIN binary_use ON binary_use.kernel_key = binary.kernel_key "
      "ORDER BY serves, used, binary.kernel_key");
  while (row.step()) {
    Evictable& binary = binaries.emplace_back();
    binary.kernel_key = row.text();
    binary.bytes = row.integer();
    binary.used_utc = row.text();
    binary.serves = row.integer() != 0;
  }
  return binaries;
}

std::int64_t live_bytes(SqliteDatabase& database) {
  const auto pages = database.query_integer("PRAGMA page_count") - database.query_integer("PRAGMA freelist_count");
  return pages * database.query_integer("PRAGMA page_size");
}

void evict(SqliteDatabase& database, const Evictable& binary) {
  database.prepare("DELETE FROM binary WHERE kernel_key = ?").bind_all(binary.kernel_key).run();
}

}  // namespace

PruneReport evict_binaries(SqliteDatabase& database, const PruneOptions& options) {
  const std::string oldest = options.older_than ? utc_before(*options.older_than) : "";
  PruneReport report{.live_bytes = live_bytes(database)};
  for (const Evictable& binary : find_in_order(database)) {
    const bool unused = !binary.serves && binary.used_utc < oldest;
    const bool too_large = options.most_bytes && report.live_bytes > *options.most_bytes;
    if (!unused && !too_large) {
      ++report.kept;
      continue;
    }
    evict(database, binary);
    ++report.evicted;
    report.evicted_bytes += binary.bytes;
    report.live_bytes = live_bytes(database);
  }
  database.execute("DELETE FROM binary_use WHERE kernel_key NOT IN (SELECT kernel_key FROM binary)");
  report.live_bytes = live_bytes(database);
  report.within_limit = !options.most_bytes || report.live_bytes <= *options.most_bytes;
  return report;
}

}  // namespace nsajit::cache
