// Many processes on one file: nothing is lost. crash_test.cpp kills them.

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "tests/cache/child_process.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

std::string config_of(int writer, int trial) {
  return "query_major{trial=" + std::to_string(trial) + ",writer=" + std::to_string(writer) + "}";
}

// One writer's work: a run of its own, then gated trials with binaries, each made a winner.
void write_trials(const std::string& path, int writer, int trials) {
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  for (int i = 0; i < trials; ++i) {
    TrialRecord trial = sample_trial(run, config_of(writer, i));
    trial.id = cache.store_trial(trial, sample_parity(), sample_binary(trial.config));
    cache.store_winner(sample_winner(trial, trial.config));
  }
  cache.finish_run(run);
}

void require_complete(const std::string& path, int writers, int trials) {
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  const auto expected = static_cast<std::size_t>(writers) * static_cast<std::size_t>(trials);
  REQUIRE(cache.runs().size() == static_cast<std::size_t>(writers));
  REQUIRE(cache.trials().size() == expected);
  REQUIRE(cache.winners().size() == expected);
  for (int writer = 0; writer < writers; ++writer) {
    REQUIRE(cache.find_trial(sample_trial_key(config_of(writer, trials - 1))).has_value());
    REQUIRE(cache.find_binary(sample_kernel_key(config_of(writer, 0))).has_value());
  }
  REQUIRE(SqliteDatabase(path, SqliteMode::Read, 1000).query_text("PRAGMA integrity_check") == "ok");
}

void write_from_processes(const std::string& path, int writers, int trials) {
  std::vector<ChildProcess> children;
  for (int writer = 0; writer < writers; ++writer) {
    children.emplace_back([=](int) { write_trials(path, writer, trials); });
  }
  for (ChildProcess& child : children) REQUIRE(child.wait() == "");
}

// Stores trials for ever and says each id once it is stored.
void write_until_killed(const std::string& path, int output) {
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  for (int i = 0;; ++i) {
    const TrialRecord trial = sample_trial(run, config_of(static_cast<int>(run), i));
    const auto id = cache.store_trial(trial, sample_parity(), sample_binary(trial.config));
    ChildProcess::say(output, std::to_string(id) + "\n");
  }
}

}  // namespace

TEST_CASE("two processes that create one file at once lose nothing") {
  ScratchFolder folder;
  write_from_processes(folder.file(), 2, 5);
  require_complete(folder.file(), 2, 5);
}

TEST_CASE("eight processes that write at once lose nothing", "[slow]") {
  ScratchFolder folder;
  write_from_processes(folder.file(), 8, 40);
  require_complete(folder.file(), 8, 40);
}

TEST_CASE("eight processes that create one file at once, again and again, lose nothing", "[slow]") {
  for (int round = 0; round < 20; ++round) {
    ScratchFolder folder;
    write_from_processes(folder.file(), 8, 1);
    require_complete(folder.file(), 8, 1);
  }
}

TEST_CASE("four threads with a cache each lose nothing") {
  ScratchFolder folder;
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 4; ++writer) threads.emplace_back([&, writer] { write_trials(folder.file(), writer, 5); });
  }
  require_complete(folder.file(), 4, 5);
}

TEST_CASE("a reader sees a trial with all its rows or not at all, while others write", "[slow]") {
  ScratchFolder folder;
  Cache::open(folder.file(), OpenMode::ReadWrite);
  ChildProcess writer([&](int output) { write_until_killed(folder.file(), output); });
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    writer.read_some();
    const std::vector<TrialRecord> trials = cache.trials();
    if (trials.empty()) continue;
    REQUIRE(cache.find_parity(trials.back().id).size() == sample_parity().size());
    REQUIRE(cache.find_binary(trials.back().kernel_key).has_value());
  }
  REQUIRE_FALSE(cache.trials().empty());
}

}  // namespace nsajit::cache
