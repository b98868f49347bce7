#pragma once
// Cache: decisions and binaries that outlive the process, one SQLite file. The door to SQLite.
// Any number of processes may share a file; a Cache object belongs to one thread.
// A damaged, locked, read-only or newer file never stops a program that only reads: it is a miss and one
// warning. A writer gets Error{Cache}. A key is always the digest of the key text beside it: rows that do not
// agree are refused on the way in and are misses on the way out. An empty created_utc or started_utc is filled in.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

struct CacheInfo;
struct CacheKey;
struct Content;
struct PruneOptions;
struct PruneReport;
struct TrialKey;
struct VerifyReport;

enum class OpenMode : std::uint8_t { ReadWrite, ReadOnly };

inline constexpr int kSchemaVersion = 3;

// Rows that a merge brought or replaced.
struct MergeReport {
  std::size_t devices = 0, runs = 0, trials = 0, winners = 0, thresholds = 0;
  bool operator==(const MergeReport&) const = default;
};

class Cache {
 public:
  // ReadWrite creates folders and file; Error{Cache} says what to do where that fails (read-only place,
  // damaged file, schema newer than this build). ReadOnly of a missing or damaged file is an empty cache.
  // `busy_timeout_ms`: how long a lock is waited for; by default long for a writer, short for a reader.
  static Cache open(const std::string& path, OpenMode mode, std::optional<int> busy_timeout_ms = std::nullopt);
  Cache(Cache&&) noexcept;
  Cache& operator=(Cache&&) noexcept;
  ~Cache();

  const std::string& path() const;
  // False: the file is not there, or cannot be used, and an empty cache stands in for it.
  bool is_usable() const;
  bool is_writable() const;  // opened for writing, that is
  // Differs from before where another connection, of whatever process, has written since. Costs microseconds.
  std::int64_t generation();

  std::int64_t begin_run(const RunRecord& run);
  void finish_run(std::int64_t run);

  // A trial, its parity rows and (where given) its binary, in one transaction. Returns the trial's id. `run` must
  // be one that begin_run returned. The same key may be stored again: find_trial answers the newest.
  std::int64_t store_trial(const TrialRecord& trial, const std::vector<ParityRecord>& parity,
                           const std::optional<BinaryRecord>& binary);
  // Newer times of a trial that was measured again in a final; keeps its id.
  void update_timing(const TrialRecord& trial);
  // A winner is stored only where its trial is Measured, is of the same op, problem, workload, device and config,
  // and has parity rows that all passed: Error{Cache} otherwise. It replaces the winner of the same key.
  void store_winner(const WinnerRecord& winner);
  void store_threshold(const ThresholdRecord& threshold);
  void store_device(const DeviceRecord& device);
  // A kernel that was compiled but not yet tried. A trial of it that is rejected takes it away again.
  void store_binary(const BinaryRecord& binary);

  std::optional<TrialRecord> find_trial(const std::string& key);
  std::optional<TrialRecord> find_trial(const TrialKey& key);  // compares the whole text, not the digest alone
  std::optional<TrialRecord> find_trial(std::int64_t id);
  std::vector<ParityRecord> find_parity(std::int64_t trial);
  std::optional<WinnerRecord> find_winner(const std::string& key);
  // All winners of a tuple on a device, newest first.
  std::vector<WinnerRecord> find_winners(const std::string& problem, const std::string& device);
  // The one that was fitted with the winner, at its sizes; else one of its tuple that does not say at which (of a file of
  // schema version 2).
  std::optional<ThresholdRecord> find_threshold(const std::string& name, const WinnerRecord& winner);
  std::optional<BinaryRecord> find_binary(const std::string& kernel_key);
  std::optional<BinaryRecord> find_binary(const CacheKey& key);

  std::vector<WinnerRecord> winners();  // newest first
  std::vector<ThresholdRecord> thresholds();
  std::vector<TrialRecord> trials();
  std::vector<RunRecord> runs();
  std::vector<DeviceRecord> devices();

  // All but code, as it would be exported; see content.h.
  Content content();
  // Takes in what `other` knows, in one transaction; content.h says which row wins. The same again changes nothing.
  // Requires: find_dangling(other) finds nothing.
  MergeReport merge(const Content& other);

  void store_alias(const AliasRecord& alias);
  bool remove_alias(const std::string& model, const std::string& measured_on);  // false: there was none
  std::vector<AliasRecord> aliases();
  // Devices of the same backend and arch whose results the user lets serve the model `name`.
  std::vector<std::string> find_aliased_devices(const std::string& name, std::string_view backend, std::string_view arch);

  CacheInfo info();                                // info.h. Requires: is_usable()
  VerifyReport verify();                           // verify.h. Requires: is_usable()
  PruneReport prune(const PruneOptions& options);  // prune.h; gives the space back to the disk where nobody else is in the way

 private:
  class Database;
  explicit Cache(std::unique_ptr<Database> database);
  void note_use(const std::string& kernel_key);
  std::unique_ptr<Database> database_;
};

}  // namespace nsajit::cache
