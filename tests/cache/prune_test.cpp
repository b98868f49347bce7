// Prune: binaries go, least recently used first, and nothing else does.

#include "cache/prune.h"

#include <filesystem>
#include <random>
#include <string>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/info.h"
#include "cache/sqlite_database.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

constexpr int kBinaries = 10;

std::string config_of(int index) { return "query_major{warps=" + std::to_string(index) + "}"; }

// Ten trials with a binary of 64 KiB that does not compress; the first is the winner.
void fill(Cache& cache) {
  std::mt19937 random(1);
  const auto run = cache.begin_run(sample_run());
  for (int i = 0; i < kBinaries; ++i) {
    BinaryRecord binary = sample_binary(config_of(i));
    binary.code.resize(64 << 10);
    for (std::byte& byte : binary.code) byte = static_cast<std::byte>(random());
    TrialRecord trial = sample_trial(run, config_of(i));
    trial.id = cache.store_trial(trial, sample_parity(), binary);
    if (i == 0) cache.store_winner(sample_winner(trial));
  }
}

bool has_binary(const std::string& path, int index) {
  return Cache::open(path, OpenMode::ReadOnly).find_binary(sample_trial(1, config_of(index)).kernel_key).has_value();
}

int count_binaries(const std::string& path) {
  int count = 0;
  for (int i = 0; i < kBinaries; ++i) count += has_binary(path, i) ? 1 : 0;
  return count;
}

void set_use(const std::string& path, int index, const std::string& utc) {
  SqliteDatabase(path, SqliteMode::Create, 1000)
      .prepare("INSERT OR REPLACE INTO binary_use (kernel_key, used_utc) VALUES (?, ?)")
      .bind_all(sample_trial(1, config_of(index)).kernel_key, utc)
      .run();
}

}  // namespace

TEST_CASE("a limit evicts binaries until the file is within it, and nothing else") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  const auto trials = cache.trials();
  const PruneReport report = cache.prune({.most_bytes = 400 << 10});
  REQUIRE(report.evicted > 0);
  REQUIRE(report.evicted + report.kept == kBinaries);
  REQUIRE(report.within_limit);
  REQUIRE(std::filesystem::file_size(folder.file()) <= 400 << 10);
  REQUIRE(count_binaries(folder.file()) == report.kept);
  REQUIRE(cache.trials() == trials);
  REQUIRE(cache.winners().size() == 1);
}

TEST_CASE("the binary that was used last stays longest, and the winner's longer still") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  for (int i = 0; i < kBinaries; ++i) set_use(folder.file(), i, "2026-01-0" + std::to_string(i) + "T00:00:00Z");
  set_use(folder.file(), 3, "2026-02-01T00:00:00Z");
  const PruneReport report = cache.prune({.most_bytes = 300 << 10});
  REQUIRE(report.kept >= 2);
  REQUIRE(has_binary(folder.file(), 0));
  REQUIRE(has_binary(folder.file(), 3));
  REQUIRE_FALSE(has_binary(folder.file(), 1));
}

TEST_CASE("a limit below what is decided and measured evicts all binaries and says that it was not reached") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  const PruneReport report = cache.prune({.most_bytes = 1});
  REQUIRE(report.evicted == kBinaries);
  REQUIRE_FALSE(report.within_limit);
  REQUIRE(cache.trials().size() == kBinaries);
}

TEST_CASE("what was not used for long is evicted, the winner's binary is spared") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  for (int i = 0; i < kBinaries; ++i) set_use(folder.file(), i, i < 5 ? "2026-01-01T00:00:00Z" : "2099-01-01T00:00:00Z");
  const PruneReport report = cache.prune({.older_than = std::chrono::hours(24)});
  REQUIRE(report.evicted == 4);
  REQUIRE(has_binary(folder.file(), 0));
  REQUIRE_FALSE(has_binary(folder.file(), 4));
  REQUIRE(has_binary(folder.file(), 5));
}

TEST_CASE("a rehearsal reports and evicts nothing") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  REQUIRE(cache.prune({.most_bytes = 1, .dry_run = true}).evicted == kBinaries);
  REQUIRE(count_binaries(folder.file()) == kBinaries);
}

TEST_CASE("a lookup by who may write notes the use, once a day, and a reader's does not") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  set_use(folder.file(), 1, "2026-01-01T00:00:00Z");
  SqliteDatabase database(folder.file(), SqliteMode::Create, 1000);
  const std::string old_uses = "SELECT count(*) FROM binary_use WHERE used_utc = '2026-01-01T00:00:00Z'";
  has_binary(folder.file(), 1);
  REQUIRE(database.query_integer(old_uses) == 1);
  cache.find_binary(sample_trial(1, config_of(1)).kernel_key);
  REQUIRE(database.query_integer(old_uses) == 0);
  const auto changes = database.query_integer("PRAGMA data_version");
  cache.find_binary(sample_trial(1, config_of(1)).kernel_key);
  REQUIRE(database.query_integer("PRAGMA data_version") == changes);
}

TEST_CASE("a rejected trial takes the code of its kernel away, unless a measured one rests on it") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  TrialRecord rejected = sample_trial(run);
  rejected.status = TrialStatus::Parity;
  cache.store_binary(sample_binary());
  cache.store_trial(rejected, {}, std::nullopt);
  REQUIRE_FALSE(cache.find_binary(rejected.kernel_key));
  cache.store_trial(sample_trial(run), sample_parity(), sample_binary());
  cache.store_trial(rejected, {}, std::nullopt);
  REQUIRE(cache.find_binary(rejected.kernel_key));
}

TEST_CASE("a description counts rows and names devices") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  fill(cache);
  cache.store_device(sample_device());
  cache.store_alias({.model = "NVIDIA H200 NVL", .measured_on = "NVIDIA H200"});
  const CacheInfo info = cache.info();
  REQUIRE(info.path == folder.file());
  REQUIRE(info.schema_version == kSchemaVersion);
  REQUIRE(info.journal == "wal");
  REQUIRE(info.integrity == "ok");
  REQUIRE(info.code_bytes >= kBinaries * (64 << 10));
  REQUIRE(info.devices.size() == 1);
  REQUIRE(info.devices[0].name == "NVIDIA H200");
  REQUIRE(info.devices[0].trials == kBinaries);
  REQUIRE(info.devices[0].winners == 1);
  REQUIRE(info.aliases.size() == 1);
}

}  // namespace nsajit::cache
