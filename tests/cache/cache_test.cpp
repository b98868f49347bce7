// Cache: every record comes back as it was stored, in this process and in the next.

#include "cache/cache.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include <catch2/catch_all.hpp>

#include "cache/sqlite_database.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {

using Catch::Matchers::StartsWith;

namespace {

// As much of a winner as its threshold is found by.
WinnerRecord winner_of(const ThresholdRecord& threshold) {
  return {.problem = threshold.problem, .workload = threshold.workload, .device = threshold.device};
}

}  // namespace

TEST_CASE("a run comes back as it was stored") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  RunRecord run = sample_run();
  run.id = cache.begin_run(run);
  REQUIRE(cache.runs() == std::vector{run});
}

TEST_CASE("a finished run carries its end, an unfinished one does not") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const auto finished = cache.begin_run(sample_run());
  cache.begin_run(sample_run());
  cache.finish_run(finished);
  REQUIRE(cache.runs().at(0).finished_utc.size() == 20);
  REQUIRE(cache.runs().at(1).finished_utc.empty());
}

TEST_CASE("finishing a run that never began is refused") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE_THROWS_WITH(cache.finish_run(7), StartsWith("run 7 is not in the cache"));
}

TEST_CASE("a trial comes back as it was stored, by key and by id") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  trial.id = cache.store_trial(trial, sample_parity(), std::nullopt);
  REQUIRE(cache.find_trial(trial.key) == trial);
  REQUIRE(cache.find_trial(trial.id) == trial);
  REQUIRE(cache.find_trial(sample_trial_key(trial.config)) == trial);
  REQUIRE(cache.trials() == std::vector{trial});
}

TEST_CASE("a failed trial of every class comes back with its class and reason") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  for (int value = 1; value <= static_cast<int>(TrialStatus::Crash); ++value) {
    TrialRecord trial = sample_failure(run, static_cast<TrialStatus>(value));
    trial.id = cache.store_trial(trial, {}, std::nullopt);
    REQUIRE(cache.find_trial(trial.id) == trial);
  }
}

TEST_CASE("a trial of a run that never began is refused and nothing is stored") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE_THROWS_WITH(cache.store_trial(sample_trial(7), {}, std::nullopt), StartsWith("run 7 is not in the cache"));
  REQUIRE(cache.trials().empty());
}

TEST_CASE("a key that is not the digest of its text is refused") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  trial.key_text += "more";
  REQUIRE_THROWS_WITH(cache.store_trial(trial, {}, std::nullopt), StartsWith("cannot store a trial under key"));
}

TEST_CASE("the newest of several trials of one key is the answer") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, {}, std::nullopt);
  trial.status = TrialStatus::Hang;
  trial.id = cache.store_trial(trial, {}, std::nullopt);
  REQUIRE(cache.find_trial(trial.key) == trial);
  REQUIRE(cache.trials().size() == 2);
}

TEST_CASE("parity rows come back in the order they were stored, under their trial") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = store_gated_trial(cache, cache.begin_run(sample_run()));
  std::vector<ParityRecord> expected = sample_parity();
  expected.at(0).trial = expected.at(1).trial = trial.id;
  REQUIRE(cache.find_parity(trial.id) == expected);
}

TEST_CASE("errors that are no number are kept as what they are") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  std::vector<ParityRecord> parity = sample_parity();
  parity.at(0).max_error = std::numeric_limits<double>::quiet_NaN();
  parity.at(0).l2_error = std::numeric_limits<double>::infinity();
  parity.at(0).passed = false;
  const auto run = cache.begin_run(sample_run());
  const auto trial = cache.store_trial(sample_failure(run, TrialStatus::Parity), parity, std::nullopt);
  const auto stored = cache.find_parity(trial).at(0);
  REQUIRE(std::isnan(stored.max_error));
  REQUIRE(std::isinf(stored.l2_error));
}

TEST_CASE("newer times keep the trial's id") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  TrialRecord trial = store_gated_trial(cache, cache.begin_run(sample_run()));
  trial.time_us = 11;
  trial.low_us = 10;
  trial.high_us = 12;
  trial.samples = 99;
  trial.sm_mhz = 1;
  trial.memory_mhz = 2;
  trial.measure_ms = 3;
  cache.update_timing(trial);
  REQUIRE(cache.trials() == std::vector{trial});
}

TEST_CASE("times of a trial that failed cannot be updated") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  TrialRecord trial = sample_failure(cache.begin_run(sample_run()), TrialStatus::Parity);
  trial.id = cache.store_trial(trial, {}, std::nullopt);
  REQUIRE_THROWS_WITH(cache.update_timing(trial), StartsWith("cannot update the times of trial 1"));
}

TEST_CASE("a threshold comes back as it was stored, and a new one replaces it") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  ThresholdRecord threshold = sample_threshold(cache.begin_run(sample_run()));
  cache.store_threshold(threshold);
  REQUIRE(cache.find_threshold(threshold.name, winner_of(threshold)) == threshold);
  threshold.value = -1;
  cache.store_threshold(threshold);
  REQUIRE(cache.thresholds() == std::vector{threshold});
}

TEST_CASE("a threshold of another name, tuple, workload or device is another threshold") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const ThresholdRecord threshold = sample_threshold(cache.begin_run(sample_run()));
  cache.store_threshold(threshold);
  WinnerRecord winner = winner_of(threshold);
  REQUIRE_FALSE(cache.find_threshold("NSA_FA2_MIN_LEN_WIN", winner));
  winner.problem = "another";
  REQUIRE_FALSE(cache.find_threshold(threshold.name, winner));
  winner = winner_of(threshold);
  winner.workload = "another";
  REQUIRE_FALSE(cache.find_threshold(threshold.name, winner));
  winner = winner_of(threshold);
  winner.device = "another";
  REQUIRE_FALSE(cache.find_threshold(threshold.name, winner));
}

TEST_CASE("a tuple tuned at two sizes has a threshold for each") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const ThresholdRecord first = sample_threshold(cache.begin_run(sample_run()));
  ThresholdRecord second = first;
  second.workload = "the same tuple;B=64";
  second.value = -1;
  cache.store_threshold(first);
  cache.store_threshold(second);
  REQUIRE(cache.find_threshold(first.name, winner_of(first)) == first);
  REQUIRE(cache.find_threshold(first.name, winner_of(second)) == second);
}

TEST_CASE("a threshold that does not say its workload stands in where none was fitted at the winner's") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const ThresholdRecord own = sample_threshold(cache.begin_run(sample_run()));
  ThresholdRecord of_tuple = own;
  of_tuple.workload = "";
  of_tuple.value = 1024;
  cache.store_threshold(of_tuple);
  REQUIRE(cache.find_threshold(own.name, winner_of(own)) == of_tuple);
  cache.store_threshold(own);
  REQUIRE(cache.find_threshold(own.name, winner_of(own)) == own);
}

TEST_CASE("a device comes back as it was stored, and new facts replace the old") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  DeviceRecord device = sample_device();
  cache.store_device(device);
  REQUIRE(cache.devices() == std::vector{device});
  device.processors = 114;
  cache.store_device(device);
  REQUIRE(cache.devices() == std::vector{device});
}

TEST_CASE("a binary comes back byte for byte") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, {}, sample_binary());
  REQUIRE(cache.find_binary(trial.kernel_key) == sample_binary());
  REQUIRE(cache.find_binary(sample_kernel_key(trial.config)) == sample_binary());
}

TEST_CASE("a trial and the binary of another kernel are not stored together") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  REQUIRE_THROWS_WITH(cache.store_trial(trial, {}, sample_binary("another{}")), StartsWith("cannot store a trial of kernel"));
}

TEST_CASE("a refused trial leaves no binary behind") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE_THROWS_AS(cache.store_trial(sample_trial(7), {}, sample_binary()), Error);
  REQUIRE_FALSE(cache.find_binary(sample_binary().kernel_key));
}

TEST_CASE("what was never stored is a miss without a warning") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  CapturedStderr captured;
  REQUIRE_FALSE(cache.find_trial("none"));
  REQUIRE_FALSE(cache.find_trial(std::int64_t{1}));
  REQUIRE_FALSE(cache.find_winner("none"));
  REQUIRE_FALSE(cache.find_binary("none"));
  REQUIRE(cache.find_parity(1).empty());
  REQUIRE(captured.text().empty());
}

TEST_CASE("a second open sees what the first one stored") {
  ScratchFolder folder;
  {
    Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
    store_gated_trial(cache, cache.begin_run(sample_run()));
  }
  Cache writer = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE(writer.trials().size() == 1);
  Cache reader = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE(reader.find_trial(sample_trial_key("query_major{warps=4}")).has_value());
}

TEST_CASE("a reader that is open sees what a writer stores later") {
  ScratchFolder folder;
  Cache writer = Cache::open(folder.file(), OpenMode::ReadWrite);
  Cache reader = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE(reader.trials().empty());
  store_gated_trial(writer, writer.begin_run(sample_run()));
  REQUIRE(reader.trials().size() == 1);
}

TEST_CASE("a cache opened for reading refuses to store") {
  ScratchFolder folder;
  Cache::open(folder.file(), OpenMode::ReadWrite);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE_THROWS_WITH(cache.begin_run(sample_run()), StartsWith("cannot begin a run in cache " + folder.file()));
}

TEST_CASE("opening for writing makes the folders on the way") {
  ScratchFolder folder;
  const std::string path = folder.file("a/b/cache.db");
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  REQUIRE(std::filesystem::is_regular_file(path));
  REQUIRE(cache.path() == path);
}

TEST_CASE("opening a missing file for reading is an empty cache and makes no file") {
  ScratchFolder folder;
  CapturedStderr captured;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE(cache.trials().empty());
  REQUIRE_FALSE(std::filesystem::exists(folder.file()));
  REQUIRE(captured.text().empty());
}

TEST_CASE("a path with characters that URIs reserve is an ordinary path") {
  ScratchFolder folder;
  const std::string path = folder.file("100%25 sure?mode=memory#1.db");
  Cache::open(path, OpenMode::ReadWrite);
  REQUIRE(std::filesystem::is_regular_file(path));
}

TEST_CASE("an empty path is refused") {
  REQUIRE_THROWS_WITH(Cache::open("", OpenMode::ReadOnly), "cannot open a cache without a path");
}

TEST_CASE("text with quotes, newlines and other scripts comes back unchanged") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  RunRecord run = sample_run();
  run.command = "it's \"quoted\"; DROP TABLE run;\n\xC3\xA9\xE6\xBC\xA2";
  run.id = cache.begin_run(run);
  REQUIRE(cache.runs() == std::vector{run});
}

}  // namespace nsajit::cache
