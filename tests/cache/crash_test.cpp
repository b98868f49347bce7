// Crash: a writer is killed at any moment, again and again. The file stays sound, nothing that was stored is lost, at most
// the trial under way is, and who resumes repeats nothing.

#include <chrono>
#include <random>
#include <sstream>
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

std::string config_of(int trial) { return "query_major{trial=" + std::to_string(trial) + "}"; }

// What a tuner does: goes through its candidates from the first, takes what is stored, stores what is not. Says each
// one that it begins to store, and once more when it is stored.
void work_until_killed(const std::string& path, int output) {
  Cache cache = Cache::open(path, OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  for (int i = 0;; ++i) {
    if (cache.find_trial(sample_trial_key(config_of(i)))) continue;
    ChildProcess::say(output, "begin " + std::to_string(i) + "\n");
    const TrialRecord trial = sample_trial(run, config_of(i));
    cache.store_trial(trial, sample_parity(), i % 8 == 0 ? std::optional(sample_binary(trial.config)) : std::nullopt);
    ChildProcess::say(output, "stored " + std::to_string(i) + "\n");
  }
}

struct Said {
  std::vector<int> begun;
  std::vector<int> stored;
};

// `text`: what was read of it already.
Said read_said(const ChildProcess& child, std::string text) {
  for (std::string part = child.read_some(); !part.empty(); part = child.read_some()) text += part;
  std::istringstream lines(text.substr(0, text.rfind('\n') + 1));
  Said said;
  std::string word;
  for (int number = 0; lines >> word >> number;) (word == "begin" ? said.begun : said.stored).push_back(number);
  return said;
}

struct Tally {
  int lost = 0;   // trials that were under way and are not there
  int whole = 0;  // trials that were under way and are there
  std::int64_t trials = 0;
};

void require_sound(SqliteDatabase& database) {
  REQUIRE(database.query_text("PRAGMA integrity_check") == "ok");
  REQUIRE(database.query_integer("SELECT count(*) FROM pragma_foreign_key_check") == 0);
  REQUIRE(database.query_integer("SELECT count(*) FROM trial WHERE (SELECT count(*) FROM parity WHERE trial = trial.id) <> 2") ==
          0);
}

// Kills a worker `kills` times. The first rounds hit the creation of the file, the later ones a worker that stores: it is
// let begin, however busy the machine is.
Tally kill_and_resume(const std::string& path, int kills, unsigned seed) {
  std::mt19937 random(seed);
  Tally tally;
  for (int round = 0; round < kills; ++round) {
    ChildProcess worker([&](int output) { work_until_killed(path, output); });
    std::string text;
    if (round >= kills / 10) text = worker.read_some();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 15'000));
    worker.kill();
    const Said said = read_said(worker, std::move(text));
    Cache cache = Cache::open(path, OpenMode::ReadWrite);
    SqliteDatabase database(path, SqliteMode::Read, 1000);
    require_sound(database);
    for (const int trial : said.stored) REQUIRE(cache.find_trial(sample_trial_key(config_of(trial))).has_value());
    REQUIRE(said.begun.size() <= said.stored.size() + 1);
    if (said.begun.size() > said.stored.size()) {
      ++(cache.find_trial(sample_trial_key(config_of(said.begun.back()))) ? tally.whole : tally.lost);
    }
    tally.trials = database.query_integer("SELECT count(*) FROM trial");
  }
  return tally;
}

void require_nothing_repeated(const std::string& path, const Tally& tally) {
  SqliteDatabase database(path, SqliteMode::Read, 1000);
  REQUIRE(database.query_integer("SELECT count(DISTINCT key) FROM trial") == tally.trials);
  // Without gaps: what was lost was done again by who came next.
  Cache cache = Cache::open(path, OpenMode::ReadOnly);
  for (int i = 0; i < tally.trials; ++i) REQUIRE(cache.find_trial(sample_trial_key(config_of(i))).has_value());
}

}  // namespace

TEST_CASE("kill -9 at thirty moments loses at most the trial under way, and nothing is repeated") {
  ScratchFolder folder;
  const Tally tally = kill_and_resume(folder.file(), 30, 11);
  REQUIRE(tally.trials > 0);
  require_nothing_repeated(folder.file(), tally);
}

TEST_CASE("kill -9 at three hundred moments loses at most the trial under way, and nothing is repeated", "[slow]") {
  ScratchFolder folder;
  const Tally tally = kill_and_resume(folder.file(), 300, 12);
  WARN("300 kills: " << tally.trials << " trials stored, " << tally.whole << " under way and whole, " << tally.lost
                     << " under way and lost");
  REQUIRE(tally.trials > 100);
  require_nothing_repeated(folder.file(), tally);
}

}  // namespace nsajit::cache
