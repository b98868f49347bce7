// WinnerTable: no decision without a measured and gated trial, whoever writes it.

#include "cache/winner_table.h"

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "nsajit/error.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

using Catch::Matchers::EndsWith;

// A cache with one run, and a connection beside it that stands for any other program.
struct Scene {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  std::int64_t run = cache.begin_run(sample_run());
  SqliteDatabase other{folder.file(), SqliteMode::Create, 1000};
};

constexpr const char* kInsertWinner =
    "INSERT INTO winner (key, key_text, trial, parity, run, time_us, baseline_us, candidates, created_utc) "
    "VALUES ('k', 't', 1, 1, 1, 1.0, 1.0, 1, '')";

}  // namespace

TEST_CASE("a winner comes back as it was stored") {
  Scene scene;
  TrialRecord baseline = sample_baseline(scene.run);
  baseline.id = scene.cache.store_trial(baseline, sample_parity(), std::nullopt);
  WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  winner.baseline_trial = baseline.id;
  scene.cache.store_winner(winner);
  REQUIRE(scene.cache.find_winner(winner.key) == winner);
  REQUIRE(scene.cache.find_winners(winner.problem, winner.device) == std::vector{winner});
  REQUIRE(scene.cache.winners() == std::vector{winner});
}

TEST_CASE("a winner without a baseline comes back without one") {
  Scene scene;
  const WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  scene.cache.store_winner(winner);
  REQUIRE(scene.cache.find_winner(winner.key) == winner);
}

TEST_CASE("the newest winner comes first, whatever the clocks say") {
  Scene scene;
  const TrialRecord trial = store_gated_trial(scene.cache, scene.run);
  WinnerRecord first = sample_winner(trial, "first");
  WinnerRecord second = sample_winner(trial, "second");
  second.created_utc = "1999-01-01T00:00:00Z";
  scene.cache.store_winner(first);
  scene.cache.store_winner(second);
  REQUIRE(scene.cache.find_winners(trial.problem, trial.device) == std::vector{second, first});
  scene.cache.store_winner(first);
  REQUIRE(scene.cache.find_winners(trial.problem, trial.device) == std::vector{first, second});
}

TEST_CASE("a new decision replaces the one of the same key") {
  Scene scene;
  WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  scene.cache.store_winner(winner);
  winner.time_us = 1;
  scene.cache.store_winner(winner);
  REQUIRE(scene.cache.winners() == std::vector{winner});
}

TEST_CASE("winners of another tuple or device are not among the answers") {
  Scene scene;
  const WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  scene.cache.store_winner(winner);
  REQUIRE(scene.cache.find_winners("another", winner.device).empty());
  REQUIRE(scene.cache.find_winners(winner.problem, "another").empty());
}

TEST_CASE("a winner points at its trial, its run and the parity row nearest to its limit") {
  Scene scene;
  const WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  scene.cache.store_winner(winner);
  REQUIRE(scene.other.query_text("SELECT parity.tensor FROM winner JOIN parity ON parity.id = winner.parity "
                                 "JOIN trial ON trial.id = winner.trial AND trial.id = parity.trial "
                                 "JOIN run ON run.id = winner.run") == "lse");
}

TEST_CASE("a winner whose trial failed is refused and nothing is stored") {
  Scene scene;
  TrialRecord trial = sample_failure(scene.run, TrialStatus::Parity);
  trial.id = scene.cache.store_trial(trial, sample_parity(), std::nullopt);
  REQUIRE_THROWS_WITH(scene.cache.store_winner(sample_winner(trial)),
                      EndsWith("its trial 1 is 'parity', not measured: for the test"));
  REQUIRE(scene.cache.winners().empty());
}

TEST_CASE("a winner whose trial was never gated is refused") {
  Scene scene;
  TrialRecord trial = sample_trial(scene.run);
  trial.id = scene.cache.store_trial(trial, {}, std::nullopt);
  REQUIRE_THROWS_WITH(scene.cache.store_winner(sample_winner(trial)), EndsWith("its trial 1 never went through the parity gate"));
}

TEST_CASE("a winner with one failed parity row is refused") {
  Scene scene;
  TrialRecord trial = sample_trial(scene.run);
  std::vector<ParityRecord> parity = sample_parity();
  parity.at(1).passed = false;
  parity.at(1).reason = "NaN at row 3";
  trial.id = scene.cache.store_trial(trial, parity, std::nullopt);
  REQUIRE_THROWS_WITH(scene.cache.store_winner(sample_winner(trial)),
                      EndsWith("failed the parity gate on random S=193 seed=1, tensor lse: NaN at row 3"));
}

TEST_CASE("a winner whose trial is not there is refused") {
  Scene scene;
  TrialRecord trial = sample_trial(scene.run);
  trial.id = 99;
  REQUIRE_THROWS_WITH(scene.cache.store_winner(sample_winner(trial)), EndsWith("its trial 99 is not in the cache"));
}

TEST_CASE("a winner that contradicts its trial is refused, field by field") {
  Scene scene;
  const TrialRecord trial = store_gated_trial(scene.cache, scene.run);
  auto [name, field] = GENERATE(table<std::string, std::string WinnerRecord::*>({
      {"op", &WinnerRecord::op},
      {"problem", &WinnerRecord::problem},
      {"workload", &WinnerRecord::workload},
      {"device", &WinnerRecord::device},
      {"config", &WinnerRecord::config},
  }));
  WinnerRecord winner = sample_winner(trial);
  winner.*field = "another";
  REQUIRE_THROWS_WITH(scene.cache.store_winner(winner), says("its trial 1 has " + name + " '"));
}

TEST_CASE("a winner whose baseline is no baseline is refused") {
  Scene scene;
  const TrialRecord trial = store_gated_trial(scene.cache, scene.run);
  const TrialRecord rival = store_gated_trial(scene.cache, scene.run, "query_major{warps=8}");
  WinnerRecord winner = sample_winner(trial);
  winner.baseline_trial = rival.id;
  REQUIRE_THROWS_WITH(scene.cache.store_winner(winner), says("its baseline trial 2 is not a measured baseline"));
}

TEST_CASE("a winner of a run that never began is refused") {
  Scene scene;
  WinnerRecord winner = sample_winner(store_gated_trial(scene.cache, scene.run));
  winner.run = 99;
  REQUIRE_THROWS_WITH(scene.cache.store_winner(winner), Catch::Matchers::StartsWith("run 99 is not in the cache"));
}

TEST_CASE("SQL from elsewhere cannot make a failed trial a winner") {
  Scene scene;
  scene.cache.store_trial(sample_failure(scene.run, TrialStatus::Hang), sample_parity(), std::nullopt);
  REQUIRE_THROWS_WITH(scene.other.execute(kInsertWinner), says("the trial of a winner must be measured"));
}

TEST_CASE("SQL from elsewhere cannot make an ungated trial a winner, even with foreign keys off") {
  Scene scene;
  scene.cache.store_trial(sample_trial(scene.run), {}, std::nullopt);
  scene.other.execute("PRAGMA foreign_keys = OFF");
  REQUIRE_THROWS_WITH(scene.other.execute(kInsertWinner), says("the trial of a winner must have a parity row"));
}

TEST_CASE("SQL from elsewhere cannot make a trial that failed the gate a winner") {
  Scene scene;
  std::vector<ParityRecord> parity = sample_parity();
  parity.at(1).passed = false;
  scene.cache.store_trial(sample_trial(scene.run), parity, std::nullopt);
  REQUIRE_THROWS_WITH(scene.other.execute(kInsertWinner), says("every parity row of a winner must have passed"));
}

TEST_CASE("SQL from elsewhere cannot undermine a winner that is there") {
  Scene scene;
  scene.cache.store_winner(sample_winner(store_gated_trial(scene.cache, scene.run)));
  const std::string attack =
      GENERATE("UPDATE trial SET status = 'parity'", "UPDATE trial SET config = 'another'", "UPDATE winner SET trial = 2",
               "UPDATE parity SET passed = 0",
               "INSERT INTO parity (trial, parity_case, tensor, passed, reason) VALUES (1, 'x', 'o', 0, '')", "DELETE FROM trial",
               "DELETE FROM parity", "DELETE FROM run", "DELETE FROM device", "DELETE FROM problem");
  INFO(attack);
  REQUIRE_THROWS_AS(scene.other.execute(attack), SqliteFailure);
  REQUIRE(scene.cache.winners().size() == 1);
}

TEST_CASE("a winner's parity row must be its own trial's") {
  Scene scene;
  store_gated_trial(scene.cache, scene.run);
  store_gated_trial(scene.cache, scene.run, "query_major{warps=8}");
  REQUIRE_THROWS_WITH(scene.other.execute("INSERT INTO winner (key, key_text, trial, parity, run, time_us, baseline_us, "
                                          "candidates, created_utc) VALUES ('k', 't', 1, 3, 1, 1.0, 1.0, 1, '')"),
                      says("FOREIGN KEY constraint failed"));
}

}  // namespace nsajit::cache
