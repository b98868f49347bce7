// Verify: a sound file has no findings, and each kind of damage is found, by row.

#include "cache/verify.h"

#include <filesystem>
#include <string>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

// One row of every kind that rests on others.
void make_sound_cache(const std::string& path) {
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  cache.store_device(sample_device());
  const auto run = cache.begin_run(sample_run());
  TrialRecord baseline = sample_baseline(run);
  baseline.id = cache.store_trial(baseline, sample_parity(), std::nullopt);
  TrialRecord trial = sample_trial(run);
  trial.id = cache.store_trial(trial, sample_parity(), sample_binary());
  cache.store_trial(sample_failure(run, TrialStatus::Hang), {}, std::nullopt);
  WinnerRecord winner = sample_winner(trial);
  winner.baseline_trial = baseline.id;
  cache.store_winner(winner);
  cache.store_threshold(sample_threshold(run));
}

VerifyReport verify(const std::string& path) { return Cache::open(path, OpenMode::ReadOnly).verify(); }

std::string text_of(const VerifyReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) text += finding.row + ": " + finding.fault + "; " + finding.remedy + "\n";
  return text;
}

}  // namespace

TEST_CASE("a sound file has no findings") {
  ScratchFolder folder;
  make_sound_cache(folder.file());
  const VerifyReport report = verify(folder.file());
  INFO(text_of(report));
  REQUIRE(report.findings.empty());
  REQUIRE(report.rows == 8);  // a device, a run, three trials, a winner, a threshold, a binary
}

TEST_CASE("each kind of damage is found, with its row and what to do") {
  const auto [attack, answer] = GENERATE(table<std::string, std::string>({
      {"UPDATE device SET name = 'NVIDIA B200'", "device 'cuda;name=NVIDIA H200.*does not begin with"},
      {"UPDATE run SET started_utc = 'yesterday'", "run 1: its begin 'yesterday' is no time"},
      {"UPDATE trial SET key_text = key_text || 'x' WHERE id = 3", "trial 3: key .* is not the digest of its key text"},
      {"UPDATE trial SET key = 'x' WHERE id = 3", "trial 3: key 'x' is not the digest"},
      {"UPDATE trial SET kernel_key = 'x' WHERE id = 3", "trial 3: its kernel key is not"},
      {"UPDATE trial SET workload = 'all' WHERE id = 3", "trial 3: its key text has workload"},
      {"UPDATE trial SET config = 'broken' WHERE id = 3", "trial 3: its key text has config"},
      {"UPDATE trial SET status = 'measured' WHERE id = 3", "trial 3: it is measured, but has no sample"},
      {"UPDATE trial SET low_us = 1e9 WHERE id = 2", "trial 2: its median lies outside its interval"},
      {"UPDATE trial SET created_utc = '' WHERE id = 2", "trial 2: its time '' is no time"},
      {"DROP TRIGGER parity_is_final; UPDATE parity SET max_error = 1 WHERE trial = 2",
       "trial 2: its parity row .* passed with an error over its limit"},
      {"DROP TRIGGER parity_is_final; UPDATE parity SET passed = 0 WHERE trial = 2",
       "winner .*: its trial .* did not pass the gate.*tune"},
      {"PRAGMA foreign_keys = OFF; DELETE FROM parity WHERE trial = 2",
       "winner 1: it points at a row of parity that is not there"},
      {"PRAGMA foreign_keys = OFF; DELETE FROM run", "trial 1: it points at a row of run that is not there"},
      {"PRAGMA foreign_keys = OFF; DELETE FROM trial WHERE id = 1", "winner .*: its baseline trial 1 is not measured"},
      {"DROP TRIGGER winner_is_replaced_whole; UPDATE winner SET key_text = 'x'", "winner .*: key .* is not the digest"},
      {"DROP TRIGGER winner_is_replaced_whole; UPDATE winner SET time_us = 0", "winner .*: a time is no measurement"},
      {"DROP TRIGGER winner_is_replaced_whole; UPDATE winner SET baseline_trial = 2",
       "winner .*: its baseline .* is not a measured"},
      {"UPDATE threshold SET ladder_json = '[1'", "threshold NSA_SEL.*: its ladder is no list.*tune its tuple again"},
      {"UPDATE threshold SET key = 'x'", "threshold NSA_SEL.*: its key 'x' is no digest"},
      {"UPDATE threshold SET margin = -1", "threshold NSA_SEL.*: its margin is -1"},
      {"UPDATE binary SET code = zeroblob(length(code))",
       "binary .*: content digest differs; it is not used, and compiled again"},
      {"UPDATE binary SET key_text = 'x'", "binary .*: key and key text differ"},
      {"UPDATE binary SET arch = '80'", "binary .*: content digest differs"},
      {"DROP INDEX trial_key; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'trial_tuple'",
       "SQLite|cannot be read"},
  }));
  INFO(attack);
  ScratchFolder folder;
  make_sound_cache(folder.file());
  SqliteDatabase(folder.file(), SqliteMode::Create, 1000).execute(attack);
  CapturedStderr captured;
  const std::string text = text_of(verify(folder.file()));
  REQUIRE_THAT(text, says("(" + answer + ")"));
}

TEST_CASE("verifying writes nothing") {
  ScratchFolder folder;
  make_sound_cache(folder.file());
  const auto written = std::filesystem::last_write_time(folder.file());
  verify(folder.file());
  REQUIRE(std::filesystem::last_write_time(folder.file()) == written);
}

}  // namespace nsajit::cache
