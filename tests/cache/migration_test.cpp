// Migration: a file of any released version becomes one of this version, whole or not at all, and loses nothing.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/child_process.h"
#include "tests/cache/golden_files.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

void write_golden(const std::string& path, int version) {
  const auto bytes = golden_files().at(static_cast<std::size_t>(version) - 1);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

std::int64_t ask(const std::string& path, const std::string& sql) {
  return SqliteDatabase(path, SqliteMode::Create, 1000).query_integer(sql);
}

std::vector<std::string> schema_of(const std::string& path) {
  SqliteDatabase database(path, SqliteMode::Read, 1000);
  std::vector<std::string> statements;
  Statement row = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name");
  while (row.step()) statements.push_back(row.text());
  return statements;
}

// Thresholds say their workload since version 3.
ThresholdRecord threshold_of(int version) {
  ThresholdRecord threshold = sample_threshold(1);
  if (version < 3) threshold.workload = "";
  return threshold;
}

// What every golden file holds.
void require_golden_rows(Cache& cache, int version = 1) {
  TrialRecord baseline = sample_baseline(1);
  baseline.id = 1;
  TrialRecord trial = sample_trial(1);
  trial.id = 2;
  TrialRecord failure = sample_failure(1, TrialStatus::Hang);
  failure.id = 3;
  REQUIRE(cache.trials() == std::vector{baseline, trial, failure});
  WinnerRecord winner = sample_winner(trial);
  winner.baseline_trial = baseline.id;
  REQUIRE(cache.winners() == std::vector{winner});
  REQUIRE(cache.thresholds() == std::vector{threshold_of(version)});
  REQUIRE(cache.find_threshold(sample_threshold(1).name, winner) == threshold_of(version));
  REQUIRE(cache.devices() == std::vector{sample_device()});
  REQUIRE(cache.find_parity(2).size() == 2);
  BinaryRecord binary = sample_binary(trial.config);
  binary.code.resize(200);
  REQUIRE(cache.find_binary(trial.kernel_key) == binary);
}

}  // namespace

TEST_CASE("a file of every released version opens with all its rows") {
  const int version = GENERATE(range(1, kSchemaVersion + 1));
  INFO(version);
  ScratchFolder folder;
  write_golden(folder.file(), version);
  REQUIRE(ask(folder.file(), "PRAGMA user_version") == version);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  require_golden_rows(cache, version);
  REQUIRE(ask(folder.file(), "PRAGMA user_version") == kSchemaVersion);
  REQUIRE(ask(folder.file(), "SELECT count(*) FROM migration") == kSchemaVersion);
}

TEST_CASE("a file of every released version becomes what a new file is") {
  const int version = GENERATE(range(1, kSchemaVersion + 1));
  INFO(version);
  ScratchFolder folder;
  write_golden(folder.file(), version);
  Cache::open(folder.file(), OpenMode::ReadWrite);
  Cache::open(folder.file("new.db"), OpenMode::ReadWrite);
  REQUIRE(schema_of(folder.file()) == schema_of(folder.file("new.db")));
}

TEST_CASE("a reader uses an older file as it is, without a warning") {
  const int version = GENERATE(range(1, kSchemaVersion + 1));
  INFO(version);
  ScratchFolder folder;
  write_golden(folder.file(), version);
  CapturedStderr captured;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  require_golden_rows(cache, version);
  REQUIRE(captured.text().empty());
  REQUIRE(ask(folder.file(), "PRAGMA user_version") == version);
}

TEST_CASE("a threshold of an older file serves all sizes of its tuple, until one is fitted at a winner's") {
  ScratchFolder folder;
  write_golden(folder.file(), 2);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const ThresholdRecord fitted = sample_threshold(1);
  WinnerRecord winner{.problem = fitted.problem, .workload = fitted.problem + ";another size", .device = fitted.device};
  REQUIRE(cache.find_threshold(fitted.name, winner) == threshold_of(2));
  ThresholdRecord newer = fitted;
  newer.workload = winner.workload;
  newer.value = -1;
  cache.store_threshold(newer);
  REQUIRE(cache.find_threshold(fitted.name, winner) == newer);
  REQUIRE(cache.thresholds().size() == 2);
}

TEST_CASE("processes that migrate one file at once do it once") {
  ScratchFolder folder;
  write_golden(folder.file(), 1);
  std::vector<ChildProcess> children;
  for (int i = 0; i < 4; ++i) children.emplace_back([&](int) { Cache::open(folder.file(), OpenMode::ReadWrite); });
  for (ChildProcess& child : children) REQUIRE(child.wait() == "");
  REQUIRE(ask(folder.file(), "SELECT count(*) FROM migration") == kSchemaVersion);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  require_golden_rows(cache);
}

TEST_CASE("a migration that fails leaves the old version as it was") {
  ScratchFolder folder;
  write_golden(folder.file(), 1);
  // The last statement of the migration finds its name taken.
  SqliteDatabase(folder.file(), SqliteMode::Create, 1000).execute("CREATE INDEX trial_kernel ON trial(created_utc)");
  REQUIRE_THROWS_WITH(Cache::open(folder.file(), OpenMode::ReadWrite), says("cannot open cache .*trial_kernel already exists"));
  REQUIRE(ask(folder.file(), "PRAGMA user_version") == 1);
  REQUIRE(ask(folder.file(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('alias', 'binary_use')") == 0);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  require_golden_rows(cache);
}

TEST_CASE("a migration on a disk that takes no more leaves the old version as it was") {
  ScratchFolder folder;
  write_golden(folder.file(), 1);
  const std::string answer = ChildProcess([&](int) {
                               signal(SIGXFSZ, SIG_IGN);
                               const rlimit limit{.rlim_cur = 1024, .rlim_max = 1024};
                               setrlimit(RLIMIT_FSIZE, &limit);
                               Cache::open(folder.file(), OpenMode::ReadWrite);
                             }).wait();
  REQUIRE_THAT(answer, says("cannot open cache .*free space"));
  REQUIRE(ask(folder.file(), "PRAGMA user_version") == 1);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  require_golden_rows(cache);
}

TEST_CASE("a migration killed at any moment leaves the old version or the new one, whole") {
  ScratchFolder folder;
  std::mt19937 random(5);
  int finished = 0;
  double window_us = 4000;  // follows the time that a migration takes here, so that kills fall around its commit
  constexpr int kRounds = 60;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = folder.file(std::to_string(round));
    write_golden(path, 1);
    ChildProcess child([&](int output) {
      ChildProcess::say(output, "go");
      Cache::open(path, OpenMode::ReadWrite);
      std::this_thread::sleep_for(std::chrono::seconds(5));
    });
    child.read_some();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % static_cast<unsigned>(window_us)));
    child.kill();
    const auto version = ask(path, "PRAGMA user_version");
    REQUIRE((version == 1 || version == kSchemaVersion));
    REQUIRE(ask(path, "SELECT count(*) FROM migration") == version);
    REQUIRE(SqliteDatabase(path, SqliteMode::Create, 1000).query_text("PRAGMA integrity_check") == "ok");
    finished += version == kSchemaVersion ? 1 : 0;
    window_us = std::clamp(window_us * (version == kSchemaVersion ? 0.7 : 1.3), 100.0, 1e6);
    CapturedStderr quiet;
    Cache cache = Cache::open(path, OpenMode::ReadWrite);
    require_golden_rows(cache);
  }
  INFO(finished << " of " << kRounds << " migrations were done when they were killed");
  REQUIRE(finished > 0);
  REQUIRE(finished < kRounds);
}

}  // namespace nsajit::cache
