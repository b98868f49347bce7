// Final race: who enters, the race itself, and the choice.

#include "tuner/final_race.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/assert.h"
#include "core/log.h"
#include "tuner/trial_record.h"

namespace nsajit::tuner {
namespace {

bool passed(const Tried& tried) { return tried.trial.status == cache::TrialStatus::Measured; }

std::vector<Tried> pick_finalists(const Tuning& tuning, const SearchOutcome& search) {
  std::vector<Tried> ranked;
  std::copy_if(search.tried.begin(), search.tried.end(), std::back_inserter(ranked), passed);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Tried& a, const Tried& b) { return a.trial.time_us < b.trial.time_us; });

  const Candidate* first = &tuning.set.offered.front();
  const auto limit = static_cast<std::size_t>(std::max(tuning.options.finalists, 1));
  std::vector<Tried> finalists;
  for (const auto& tried : ranked) {
    if (finalists.size() < limit || tried.candidate == first) finalists.push_back(tried);
  }
  return finalists;
}

// Newer times in place of the screening's. An entry that went wrong in the race keeps its place and its old time.
void take_times(Tuning& tuning, std::span<Tried> entries, const RaceResult& race) {
  NSAJIT_ASSERT(race.entries.size() == entries.size(), "a race answers every entry");
  for (std::size_t index = 0; index < entries.size(); ++index) {
    auto& trial = entries[index].trial;
    const TrialResult& result = race.entries[index];
    if (result.status != cache::TrialStatus::Measured) {
      log_warn(fmt::format("final race of {}: {} ended as {}: {}; its earlier time stands", trial.workload, trial.config,
                           to_string(result.status), result.reason));
      continue;
    }
    add_timing(trial, result.timing);
    tuning.engine.cache.update_timing(trial);
  }
}

std::vector<Tried> race(Tuning& tuning, std::vector<Tried> entries) {
  std::vector<codegen::Binary> binaries;
  binaries.reserve(entries.size());  // RaceEntry borrows from it
  std::vector<Tried> racing;
  std::vector<RaceEntry> lanes;
  for (auto& entry : entries) {
    auto binary = find_or_compile(tuning, *entry.candidate);
    if (!binary) continue;
    binaries.push_back(std::move(*binary));
    lanes.push_back({.config = entry.candidate->config, .binary = &binaries.back()});
    racing.push_back(std::move(entry));
  }
  if (!lanes.empty()) take_times(tuning, racing, tuning.engine.runner.race(tuning.workload, lanes, tuning.options.final_race));
  return racing;
}

bool ties(const Summary& best, const Summary& other) {
  return other.low <= best.high || other.median <= best.median * (1 + kTieBand);
}

}  // namespace

std::size_t choose_winner(std::span<const Finalist> finalists) {
  NSAJIT_ASSERT(!finalists.empty(), "a winner is chosen among finalists");
  const auto best = std::min_element(finalists.begin(), finalists.end(),
                                     [](const Finalist& a, const Finalist& b) { return a.summary.median < b.summary.median; });
  auto chosen = best;
  for (auto other = finalists.begin(); other != finalists.end(); ++other) {
    if (!ties(best->summary, other->summary)) continue;
    const bool earlier = other->is_default != chosen->is_default ? other->is_default : other->config < chosen->config;
    if (earlier) chosen = other;
  }
  return static_cast<std::size_t>(chosen - finalists.begin());
}

FinalOutcome race_finalists(Tuning& tuning, const SearchOutcome& search) {
  const Stopwatch clock;
  FinalOutcome outcome{.baseline = search.baseline};
  auto entries = pick_finalists(tuning, search);
  if (entries.empty()) return outcome;
  report_progress(tuning.engine, {.done = 0, .total = 1, .phase = "final", .best_us = entries.front().trial.time_us});

  if (search.baseline && passed(*search.baseline)) entries.push_back(*search.baseline);
  const auto raced = race(tuning, std::move(entries));

  std::vector<Finalist> finalists;
  std::vector<const Tried*> lanes;
  for (const auto& entry : raced) {
    if (entry.candidate->baseline) {
      outcome.baseline = entry;
      continue;
    }
    finalists.push_back({.summary = {.median = entry.trial.time_us,
                                     .low = entry.trial.low_us,
                                     .high = entry.trial.high_us,
                                     .samples = entry.trial.samples},
                         .is_default = entry.candidate == &tuning.set.offered.front(),
                         .config = entry.trial.config});
    lanes.push_back(&entry);
  }
  if (!finalists.empty()) outcome.winner = *lanes[choose_winner(finalists)];
  tuning.phases.final_s += clock.seconds();
  report_progress(tuning.engine,
                  {.done = 1, .total = 1, .phase = "final", .best_us = outcome.winner ? outcome.winner->trial.time_us : 0});
  return outcome;
}

}  // namespace nsajit::tuner
