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

// An entry of the race, and what it took in all rounds so far.
struct Lane {
  Tried tried;
  codegen::Binary binary;
  Timing timing;  // samples_us is empty where a race of it went wrong: its earlier time stands
};

constexpr int kMostRaces = 3;

void take_times(std::vector<Lane>& lanes, RaceResult race) {
  NSAJIT_ASSERT(race.entries.size() == lanes.size(), "a race answers every entry");
  for (std::size_t index = 0; index < lanes.size(); ++index) {
    Lane& lane = lanes[index];
    TrialResult& result = race.entries[index];
    if (result.status != cache::TrialStatus::Measured) {
      const auto& trial = lane.tried.trial;
      log_warn(fmt::format("final race of {}: {} ended as {}: {}; its earlier time stands", trial.workload, trial.config,
                           to_string(result.status), result.reason));
      continue;
    }
    result.timing.samples_us.insert(result.timing.samples_us.begin(), lane.timing.samples_us.begin(),
                                    lane.timing.samples_us.end());
    if (!result.timing.samples_us.empty()) result.timing.summary = summarize(result.timing.samples_us);
    lane.timing = std::move(result.timing);
    add_timing(lane.tried.trial, lane.timing);
  }
}

std::vector<Finalist> make_finalists(const Tuning& tuning, std::span<const Lane> lanes) {
  std::vector<Finalist> finalists;
  for (const Lane& lane : lanes) {
    const auto& trial = lane.tried.trial;
    if (lane.tried.candidate->baseline) continue;
    finalists.push_back(
        {.summary = {.median = trial.time_us, .low = trial.low_us, .high = trial.high_us, .samples = trial.samples},
         .is_default = lane.tried.candidate == &tuning.set.offered.front(),
         .config = trial.config,
         .samples_us = lane.timing.samples_us});
  }
  return finalists;
}

std::vector<Lane> make_lanes(Tuning& tuning, std::vector<Tried> entries) {
  std::vector<Lane> lanes;
  for (auto& entry : entries) {
    auto binary = find_or_compile(tuning, *entry.candidate);
    if (binary) lanes.push_back({.tried = std::move(entry), .binary = std::move(*binary)});
  }
  return lanes;
}

void warn_of_disturbance(const Lane& lane) {
  if (lane.timing.disturbance.empty()) return;
  log_warn(fmt::format("final race of {}: the device was disturbed ({}); the comparison is round by round, times may be long",
                       lane.tried.trial.workload, lane.timing.disturbance));
}

std::vector<Lane> race(Tuning& tuning, std::vector<Tried> entries) {
  std::vector<Lane> lanes = make_lanes(tuning, std::move(entries));
  if (lanes.empty()) return lanes;
  std::vector<RaceEntry> racing;
  for (const Lane& lane : lanes) racing.push_back({.config = lane.tried.candidate->config, .binary = &lane.binary});
  for (int races = 0; races < kMostRaces; ++races) {
    take_times(lanes, tuning.engine.runner.race(tuning.workload, racing, tuning.options.final_race));
    const auto finalists = make_finalists(tuning, lanes);
    if (finalists.empty() || !wants_more_rounds(finalists) || stop_requested(tuning.engine)) break;
  }
  for (const Lane& lane : lanes) {
    if (lane.timing.summary.samples > 0) tuning.engine.cache.update_timing(lane.tried.trial);
  }
  warn_of_disturbance(lanes.front());
  return lanes;
}

// How much longer `other` takes: 1.02 with its interval.
Summary compare(const Finalist& best, const Finalist& other) {
  const bool paired = !best.samples_us.empty() && best.samples_us.size() == other.samples_us.size();
  if (paired) return summarize_ratio(other.samples_us, best.samples_us);
  return {.median = other.summary.median / best.summary.median,
          .low = other.summary.low / best.summary.high,
          .high = other.summary.high / best.summary.low,
          .samples = std::min(best.summary.samples, other.summary.samples)};
}

bool ties(const Summary& ratio) { return ratio.low <= 1 || ratio.median <= 1 + kTieBand; }

bool all_paired(std::span<const Finalist> finalists) {
  const std::size_t rounds = finalists.front().samples_us.size();
  return rounds > 0 && std::all_of(finalists.begin(), finalists.end(),
                                   [&](const Finalist& finalist) { return finalist.samples_us.size() == rounds; });
}

// Sum of all finalists' samples, by round: what a round's samples are compared with.
std::vector<double> sum_rounds(std::span<const Finalist> finalists) {
  std::vector<double> sums(finalists.front().samples_us.size(), 0.0);
  for (const Finalist& finalist : finalists) {
    for (std::size_t round = 0; round < sums.size(); ++round) sums[round] += finalist.samples_us[round];
  }
  return sums;
}

// By the share of their rounds where they have rounds in common: a clock that steps between two values gives every
// finalist two times, and the median takes one of them by chance.
const Finalist& find_fastest(std::span<const Finalist> finalists) {
  const bool paired = all_paired(finalists);
  const std::vector<double> rounds = paired ? sum_rounds(finalists) : std::vector<double>{};
  const auto cost = [&](const Finalist& finalist) {
    return paired ? summarize_ratio(finalist.samples_us, rounds).median : finalist.summary.median;
  };
  const Finalist* fastest = &finalists.front();
  double least = cost(*fastest);
  for (const Finalist& finalist : finalists.subspan(1)) {
    if (const double own = cost(finalist); own < least) {
      least = own;
      fastest = &finalist;
    }
  }
  return *fastest;
}

}  // namespace

std::size_t choose_winner(std::span<const Finalist> finalists) {
  NSAJIT_ASSERT(!finalists.empty(), "a winner is chosen among finalists");
  const Finalist& best = find_fastest(finalists);
  const Finalist* chosen = &best;
  for (const Finalist& other : finalists) {
    if (!ties(compare(best, other))) continue;
    const bool earlier = other.is_default != chosen->is_default ? other.is_default : other.config < chosen->config;
    if (earlier) chosen = &other;
  }
  return static_cast<std::size_t>(chosen - finalists.data());
}

bool wants_more_rounds(std::span<const Finalist> finalists) {
  NSAJIT_ASSERT(!finalists.empty(), "rounds are asked for finalists");
  const Finalist& best = find_fastest(finalists);
  return std::any_of(finalists.begin(), finalists.end(), [&](const Finalist& other) {
    if (&other == &best || best.samples_us.empty() || other.samples_us.size() != best.samples_us.size()) return false;
    const Summary ratio = compare(best, other);
    return ratio.low <= 1 && ratio.median > 1 + kTieBand;
  });
}

FinalOutcome race_finalists(Tuning& tuning, const SearchOutcome& search) {
  const Stopwatch clock;
  FinalOutcome outcome{.baseline = search.baseline};
  auto entries = pick_finalists(tuning, search);
  if (entries.empty()) return outcome;
  report_progress(tuning.engine, {.done = 0, .total = 1, .phase = "final", .best_us = entries.front().trial.time_us});

  // Last, so that the lanes before it are the finalists.
  if (search.baseline && passed(*search.baseline)) entries.push_back(*search.baseline);
  const auto lanes = race(tuning, std::move(entries));
  const auto finalists = make_finalists(tuning, lanes);
  if (!finalists.empty()) outcome.winner = lanes[choose_winner(finalists)].tried;
  if (!lanes.empty() && lanes.back().tried.candidate->baseline) outcome.baseline = lanes.back().tried;
  tuning.phases.final_s += clock.seconds();
  report_progress(tuning.engine,
                  {.done = 1, .total = 1, .phase = "final", .best_us = outcome.winner ? outcome.winner->trial.time_us : 0});
  return outcome;
}

}  // namespace nsajit::tuner
