// Content: the union of what several machines know is the same whichever order it is made in.

#include "cache/content.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/export_file.h"
#include "cache/row_check.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/sample_content.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

std::string text_of(const Content& content) {
  std::ostringstream text;
  write_export(text, content);
  return text.str();
}

Content merged(Content content, const Content& other) {
  merge(content, other);
  return content;
}

Content content_of(const std::string& path) { return Cache::open(path, OpenMode::ReadOnly).content(); }

void merge_into(const std::string& path, const Content& other) { Cache::open(path, OpenMode::ReadWrite).merge(other); }

// The configs that serve the sample's tuple, in the order in which they are preferred.
std::vector<std::string> served(const std::string& path) {
  const TrialRecord trial = sample_trial(1);
  std::vector<std::string> configs;
  Cache cache = Cache::open(path, OpenMode::ReadOnly);
  for (const WinnerRecord& winner : cache.find_winners(trial.problem, trial.device)) configs.push_back(winner.config);
  return configs;
}

}  // namespace

TEST_CASE("a union is commutative, associative and idempotent") {
  const auto seed = GENERATE(range(1, 12));
  const auto base = static_cast<std::uint64_t>(seed);
  const Content a = sample_content({.trials = 20, .winners = 5, .seed = base});
  const Content b = sample_content({.trials = 30, .winners = 8, .seed = base + 100});
  const Content c = sample_content({.trials = 10, .winners = 3, .seed = base + 200});
  REQUIRE(text_of(a) != text_of(b));
  REQUIRE(text_of(merged(a, b)) == text_of(merged(b, a)));
  REQUIRE(text_of(merged(merged(a, b), c)) == text_of(merged(a, merged(b, c))));
  REQUIRE(text_of(merged(merged(a, b), b)) == text_of(merged(a, b)));
  REQUIRE_FALSE(find_dangling(merged(merged(a, b), c)));
}

TEST_CASE("files that take in each other hold the same and serve the same") {
  const Content a = sample_content({.trials = 20, .winners = 5, .seed = 1});
  const Content b = sample_content({.trials = 30, .winners = 8, .seed = 2});
  ScratchFolder folder;
  merge_into(folder.file("ab"), a);
  merge_into(folder.file("ab"), b);
  merge_into(folder.file("ba"), b);
  merge_into(folder.file("ba"), a);
  REQUIRE(text_of(content_of(folder.file("ab"))) == text_of(merged(a, b)));
  REQUIRE(text_of(content_of(folder.file("ba"))) == text_of(merged(a, b)));
  REQUIRE(served(folder.file("ab")).size() == 8);
  REQUIRE(served(folder.file("ab")) == served(folder.file("ba")));
}

TEST_CASE("taking in the same again changes nothing and adds no row") {
  const Content a = sample_content({.trials = 20, .winners = 5, .seed = 1});
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE(cache.merge(a) == MergeReport{.devices = 1, .runs = 1, .trials = 21, .winners = 5, .thresholds = 1});
  const auto trials = cache.trials();
  REQUIRE(cache.merge(a) == MergeReport{});
  REQUIRE(cache.trials() == trials);
  REQUIRE(text_of(cache.content()) == text_of(a));
}

TEST_CASE("the trial with more samples wins, then the later, then the smaller text") {
  ScratchFolder folder;
  const Content base = sample_content({.trials = 1, .winners = 1, .seed = 1});
  const std::string key = sample_trial(1, "query_major{warps=0}").key;
  Content few = base;
  Content many = base;
  few.trials.at(key).record.samples = 7;
  few.trials.at(key).record.created_utc = "2026-03-01T00:00:00Z";
  many.trials.at(key).record.samples = 25;
  REQUIRE(merged(few, many).trials.at(key).record.samples == 25);
  Content later = many;
  later.trials.at(key).record.created_utc = "2026-04-01T00:00:00Z";
  REQUIRE(merged(later, many).trials.at(key).record.created_utc == "2026-04-01T00:00:00Z");
  Content smaller = later;
  smaller.trials.at(key).record.log = "";
  REQUIRE(merged(later, smaller).trials.at(key).record.log.empty());
  REQUIRE(merged(smaller, later).trials.at(key).record.log.empty());
}

TEST_CASE("a measured trial beats a failure of the same key, whichever came first") {
  const Content measured = sample_content({.trials = 1, .winners = 1, .seed = 1});
  Content failed = measured;
  const std::string key = sample_trial(1, "query_major{warps=0}").key;
  failed.winners.clear();
  TrialRecord& record = failed.trials.at(key).record;
  record.status = TrialStatus::Hang;
  record.samples = 0;
  record.time_us = record.low_us = record.high_us = 0;
  record.created_utc = "2027-01-01T00:00:00Z";
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  cache.merge(failed);
  REQUIRE(cache.find_trial(key)->status == TrialStatus::Hang);
  cache.merge(measured);
  REQUIRE(cache.find_trial(key)->status == TrialStatus::Measured);
  REQUIRE(cache.winners().size() == 1);
  cache.merge(failed);
  REQUIRE(cache.find_trial(key)->status == TrialStatus::Measured);
}

TEST_CASE("a union keeps code, and brings none") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, sample_parity(), sample_binary());
  cache.merge(sample_content({.trials = 20, .winners = 5, .seed = 1}));
  REQUIRE(cache.find_binary(trial.kernel_key).has_value());
  REQUIRE_FALSE(cache.find_binary(sample_trial(1, "query_major{warps=1}").kernel_key));
}

TEST_CASE("content leaves out a damaged row and what rests on it, with a warning each") {
  ScratchFolder folder;
  Content content = sample_content({.trials = 3, .winners = 1, .seed = 1});
  const std::string key = sample_trial(1, "query_major{warps=0}").key;
  content.trials.at(key).record.low_us = 1e9;
  merge_into(folder.file(), content);
  CapturedStderr captured;
  const Content read = content_of(folder.file());
  REQUIRE(read.trials.size() == content.trials.size() - 1);
  REQUIRE(read.winners.empty());
  REQUIRE(captured.lines() == 2);
}

TEST_CASE("two files of ten thousand trials are united", "[slow]") {
  ScratchFolder folder;
  const Content a = sample_content({.trials = 10'000, .winners = 200, .seed = 1});
  const Content b = sample_content({.trials = 10'000, .winners = 300, .seed = 2});
  merge_into(folder.file("ab"), a);
  const auto begin = std::chrono::steady_clock::now();
  merge_into(folder.file("ab"), b);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  WARN("10000 trials united with 10000 in " << took.count() << " s");
  merge_into(folder.file("ba"), b);
  merge_into(folder.file("ba"), a);
  const std::string text = text_of(content_of(folder.file("ab")));
  REQUIRE(text == text_of(content_of(folder.file("ba"))));
  REQUIRE(text == text_of(merged(a, b)));
  REQUIRE(Cache::open(folder.file("ab"), OpenMode::ReadWrite).merge(b) == MergeReport{});
}

TEST_CASE("decisions are the latest winner of each workload with what it points at, and lead nowhere else") {
  const Content all = sample_content({.trials = 40, .winners = 9, .seed = 3});
  const Content kept = keep_decisions(all);
  REQUIRE_FALSE(find_dangling(kept));
  REQUIRE(kept.thresholds.size() == all.thresholds.size());
  std::map<std::pair<std::string, std::string>, std::string> latest;
  const auto place = [&](const KeyedWinner& winner) {
    const TrialRecord& trial = all.trials.at(winner.trial).record;
    return std::pair(trial.workload, trial.device);
  };
  for (const auto& [key, winner] : all.winners)
    latest[place(winner)] = std::max(latest[place(winner)], winner.record.created_utc);
  REQUIRE(kept.winners.size() == latest.size());
  for (const auto& [key, winner] : kept.winners) REQUIRE(winner.record.created_utc == latest.at(place(winner)));
  REQUIRE(kept.trials.size() <= 2 * kept.winners.size());
  for (const auto& [key, trial] : kept.trials) REQUIRE(trial.record.log.empty());
  std::istringstream text(text_of(kept));
  REQUIRE(text_of(read_export(text, "decisions")) == text_of(kept));
}

}  // namespace nsajit::cache
