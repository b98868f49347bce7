// Cache: each operation as one attempt on the database; the SQL lives in one file per table.

#include "cache/cache.h"

#include <fmt/format.h>

#include "cache/alias_table.h"
#include "cache/binary_table.h"
#include "cache/cache_key.h"
#include "cache/content_rows.h"
#include "cache/database.h"
#include "cache/info.h"
#include "cache/prune.h"
#include "cache/run_table.h"
#include "cache/threshold_table.h"
#include "cache/trial_table.h"
#include "cache/utc_time.h"
#include "cache/verify.h"
#include "cache/winner_table.h"
#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

// A writer would rather wait than lose a measurement; a reader rather compiles than stalls its program.
constexpr int kWriterTimeoutMs = 15'000;
constexpr int kReaderTimeoutMs = 2'000;

void check_same_kernel(const TrialRecord& trial, const BinaryRecord& binary) {
  if (binary.kernel_key == trial.kernel_key) return;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("cannot store a trial of kernel {} with the binary of kernel {}", trial.kernel_key, binary.kernel_key));
}

}  // namespace

Cache Cache::open(const std::string& path, OpenMode mode, std::optional<int> busy_timeout_ms) {
  const int usual = mode == OpenMode::ReadWrite ? kWriterTimeoutMs : kReaderTimeoutMs;
  return Cache(Database::open(path, mode, busy_timeout_ms.value_or(usual)));
}

Cache::Cache(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Cache::Cache(Cache&&) noexcept = default;
Cache& Cache::operator=(Cache&&) noexcept = default;
Cache::~Cache() = default;

const std::string& Cache::path() const { return database_->path(); }

bool Cache::is_usable() const { return database_->is_usable(); }

bool Cache::is_writable() const { return database_->mode() == OpenMode::ReadWrite; }

std::int64_t Cache::generation() {
  const std::int64_t version = database_->read("look for changes", [](SqliteDatabase& connection) {
    return connection.query_integer("PRAGMA data_version");  // of the connection: never less, often the same in a new one
  });
  return database_->times_opened() << 32 | version;
}

std::int64_t Cache::begin_run(const RunRecord& run) {
  return database_->write("begin a run", [&](SqliteDatabase& connection) { return insert_run(connection, run); });
}

void Cache::finish_run(std::int64_t run) {
  database_->write(fmt::format("finish run {}", run),
                   [&](SqliteDatabase& connection) { set_run_finished(connection, run, utc_now()); });
}

std::int64_t Cache::store_trial(const TrialRecord& trial, const std::vector<ParityRecord>& parity,
                                const std::optional<BinaryRecord>& binary) {
  if (binary) check_same_kernel(trial, *binary);
  return database_->write(fmt::format("store a trial of {}", trial.config), [&](SqliteDatabase& connection) {
    if (binary) replace_binary(connection, *binary);
    const std::int64_t id = insert_trial(connection, trial, parity);
    if (trial.status != TrialStatus::Measured) drop_unused_binary(connection, trial.kernel_key);
    return id;
  });
}

void Cache::update_timing(const TrialRecord& trial) {
  database_->write(fmt::format("update the times of trial {}", trial.id),
                   [&](SqliteDatabase& connection) { update_trial_timing(connection, trial); });
}

void Cache::store_winner(const WinnerRecord& winner) {
  database_->write(fmt::format("store the winner {}", winner.config),
                   [&](SqliteDatabase& connection) { replace_winner(connection, winner, database_->warnings()); });
}

void Cache::store_threshold(const ThresholdRecord& threshold) {
  database_->write(fmt::format("store threshold {}", threshold.name),
                   [&](SqliteDatabase& connection) { replace_threshold(connection, threshold); });
}

void Cache::store_device(const DeviceRecord& device) {
  database_->write(fmt::format("store device {}", device.device),
                   [&](SqliteDatabase& connection) { upsert_device(connection, device); });
}

void Cache::store_binary(const BinaryRecord& binary) {
  database_->write(fmt::format("store binary {}", binary.kernel_key),
                   [&](SqliteDatabase& connection) { replace_binary(connection, binary); });
}

std::optional<TrialRecord> Cache::find_trial(const std::string& key) {
  return database_->read(fmt::format("look up trial {}", key),
                         [&](SqliteDatabase& connection) { return find_trial_by_key(connection, key, database_->warnings()); });
}

std::optional<TrialRecord> Cache::find_trial(const TrialKey& key) {
  auto trial = find_trial(key.digest());
  // Equal digests of different texts: a collision, and so another trial.
  if (trial && trial->key_text != key.text()) return std::nullopt;
  return trial;
}

std::optional<TrialRecord> Cache::find_trial(std::int64_t id) {
  return database_->read(fmt::format("look up trial {}", id),
                         [&](SqliteDatabase& connection) { return find_trial_by_id(connection, id, database_->warnings()); });
}

std::vector<ParityRecord> Cache::find_parity(std::int64_t trial) {
  return database_->read(fmt::format("look up the parity rows of trial {}", trial),
                         [&](SqliteDatabase& connection) { return find_parity_rows(connection, trial); });
}

std::optional<WinnerRecord> Cache::find_winner(const std::string& key) {
  return database_->read(fmt::format("look up winner {}", key),
                         [&](SqliteDatabase& connection) { return find_winner_by_key(connection, key, database_->warnings()); });
}

std::vector<WinnerRecord> Cache::find_winners(const std::string& problem, const std::string& device) {
  return database_->read(fmt::format("look up the winners of {}", problem), [&](SqliteDatabase& connection) {
    return find_winners_of(connection, problem, device, database_->warnings());
  });
}

std::optional<ThresholdRecord> Cache::find_threshold(const std::string& name, const WinnerRecord& winner) {
  return database_->read(fmt::format("look up threshold {}", name),
                         [&](SqliteDatabase& connection) { return find_threshold_of(connection, name, winner); });
}

std::optional<BinaryRecord> Cache::find_binary(const std::string& kernel_key) {
  auto binary = database_->read(fmt::format("look up binary {}", kernel_key), [&](SqliteDatabase& connection) {
    return find_intact_binary(connection, kernel_key, database_->warnings());
  });
  if (binary) note_use(kernel_key);
  return binary;
}

// For the order of eviction alone: where it cannot be written, nothing is lost.
void Cache::note_use(const std::string& kernel_key) {
  if (!is_writable()) return;
  try {
    const bool stale = database_->read("look up the use of a binary",
                                       [&](SqliteDatabase& connection) { return is_use_stale(connection, kernel_key); });
    if (!stale) return;
    database_->write("note the use of a binary", [&](SqliteDatabase& connection) { cache::note_use(connection, kernel_key); });
  } catch (const Error& error) { log_debug(error.what()); }
}

std::optional<BinaryRecord> Cache::find_binary(const CacheKey& key) {
  auto binary = find_binary(key.digest());
  if (binary && binary->key_text != key.text()) return std::nullopt;
  return binary;
}

std::vector<WinnerRecord> Cache::winners() {
  return database_->read("list the winners",
                         [&](SqliteDatabase& connection) { return find_all_winners(connection, database_->warnings()); });
}

std::vector<ThresholdRecord> Cache::thresholds() {
  return database_->read("list the thresholds", [](SqliteDatabase& connection) { return find_all_thresholds(connection); });
}

std::vector<TrialRecord> Cache::trials() {
  return database_->read("list the trials",
                         [&](SqliteDatabase& connection) { return find_all_trials(connection, database_->warnings()); });
}

std::vector<RunRecord> Cache::runs() {
  return database_->read("list the runs", [](SqliteDatabase& connection) { return find_all_runs(connection); });
}

std::vector<DeviceRecord> Cache::devices() {
  return database_->read("list the devices", [](SqliteDatabase& connection) { return find_all_devices(connection); });
}

Content Cache::content() {
  return database_->read("read the content", [&](SqliteDatabase& connection) {
    Transaction snapshot(connection, TransactionKind::Snapshot);
    Content content = read_content(connection, database_->warnings());
    snapshot.commit();
    return content;
  });
}

MergeReport Cache::merge(const Content& other) {
  return database_->write("take in other results",
                          [&](SqliteDatabase& connection) { return store_merged(connection, other, database_->warnings()); });
}

void Cache::store_alias(const AliasRecord& alias) {
  if (alias.model.empty() || alias.measured_on.empty() || alias.model == alias.measured_on) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("cannot let '{}' be served by results of '{}': two different models are wanted", alias.model,
                            alias.measured_on));
  }
  database_->write("store an alias", [&](SqliteDatabase& connection) { replace_alias(connection, alias); });
}

bool Cache::remove_alias(const std::string& model, const std::string& measured_on) {
  return database_->write("remove an alias",
                          [&](SqliteDatabase& connection) { return cache::remove_alias(connection, model, measured_on); });
}

std::vector<AliasRecord> Cache::aliases() {
  return database_->read("list the aliases", [](SqliteDatabase& connection) { return find_all_aliases(connection); });
}

std::vector<std::string> Cache::find_aliased_devices(const std::string& name, std::string_view backend, std::string_view arch) {
  return database_->read(fmt::format("look up the aliases of {}", name), [&](SqliteDatabase& connection) {
    return cache::find_aliased_devices(connection, name, backend, arch);
  });
}

CacheInfo Cache::info() {
  return database_->read("describe the file", [&](SqliteDatabase& connection) { return read_info(connection, path()); });
}

VerifyReport Cache::verify() {
  return database_->read("verify the file", [](SqliteDatabase& connection) { return verify_rows(connection); });
}

PruneReport Cache::prune(const PruneOptions& options) {
  const auto end = options.dry_run ? TransactionEnd::RollBack : TransactionEnd::Commit;
  const PruneReport report = database_->write(
      "evict binaries", [&](SqliteDatabase& connection) { return evict_binaries(connection, options); }, end);
  if (report.evicted > 0 && !options.dry_run) database_->give_back_space();
  return report;
}

}  // namespace nsajit::cache
