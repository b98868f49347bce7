// Ladder: one race per length, shortest first, then a few more where the winner begins to be the faster one, and where it begins
// to be so by the margin.

#include "tuner/ladder.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "cache/record_json.h"
#include "cache/utc_time.h"
#include "core/assert.h"
#include "core/digest.h"
#include "core/log.h"
#include "tuner/thresholds.h"

namespace nsajit::tuner {
namespace {

using cache::LadderPoint;

// The rungs are powers of two. Three halvings of the step in which the winner begins to win find that length to an eighth of it.
constexpr int kHalvings = 3;

std::vector<Workload> sorted_ladder(const Op& op, const Workload& workload) {
  auto ladder = op.threshold_ladder(workload);
  std::stable_sort(ladder.begin(), ladder.end(),
                   [&](const Workload& a, const Workload& b) { return op.threshold_length(a) < op.threshold_length(b); });
  return ladder;
}

cache::ThresholdRecord make_threshold(const Tuning& tuning, const Tried& winner, const Tried& baseline,
                                      const std::vector<LadderPoint>& points) {
  auto threshold = make_unknown_threshold(tuning);
  threshold.key = digest_text(
      fmt::format("winner={}\nbaseline={}\nmargin={}\n", winner.trial.key, baseline.trial.key, tuning.options.margin));
  threshold.value = fit_threshold(points, tuning.options.margin);
  threshold.ladder_json = cache::ladder_to_json(points);
  return threshold;
}

// A length that was raced.
struct Rung {
  Workload workload;
  LadderPoint point;
};

std::vector<LadderPoint> points_of(const std::vector<Rung>& rungs) {
  std::vector<LadderPoint> points;
  for (const Rung& rung : rungs) points.push_back(rung.point);
  return points;
}

// A length at which the winner fails rules out all shorter ones too: served lengths are an unbroken range up to the
// largest. It stays as a point without a time, so that no shorter one is expected to do better. One at which only the baseline
// fails says nothing.
void add_rung(std::vector<Rung>& rungs, const Workload& workload, std::int64_t length, const RaceResult& race) {
  const TrialResult& winner = race.entries[0];
  const TrialResult& baseline = race.entries[1];
  const bool failed = winner.status != cache::TrialStatus::Measured;
  if (failed) {
    log_warn(fmt::format("threshold: the winner failed at length {}: {}: {}", length, to_string(winner.status), winner.reason));
    std::erase_if(rungs, [&](const Rung& rung) { return rung.point.length <= length; });
  } else if (baseline.status != cache::TrialStatus::Measured) {
    log_warn(
        fmt::format("threshold: the baseline failed at length {}: {}: {}", length, to_string(baseline.status), baseline.reason));
    return;
  }
  const LadderPoint point{
      .length = length, .time_us = failed ? 0 : winner.timing.summary.median, .baseline_us = baseline.timing.summary.median};
  const auto place = std::find_if(rungs.begin(), rungs.end(), [&](const Rung& rung) { return rung.point.length > length; });
  rungs.insert(place, {workload, point});
}

// Halfway between the longest length that loses and the next one; nullopt: there is no length in between, or none loses, or
// the longest does. Rungs are sorted.
std::optional<Workload> halve_the_step(const Op& op, const std::vector<Rung>& rungs, double margin) {
  const auto loses = [&](const Rung& rung) { return !wins(rung.point, margin); };
  const auto last = std::find_if(rungs.rbegin(), rungs.rend(), loses);
  if (last == rungs.rend() || last == rungs.rbegin()) return std::nullopt;
  const Workload& below = last->workload;
  const Workload& above = std::prev(last)->workload;
  Workload between = above;
  between.S = (below.S + above.S) / 2;
  between.S_kv = (below.S_kv + above.S_kv) / 2;
  between.n = (below.n + above.n) / 2;
  const std::int64_t length = op.threshold_length(between);
  const bool inside = length > last->point.length && length < std::prev(last)->point.length;
  return inside ? std::optional(between) : std::nullopt;
}

}  // namespace

cache::ThresholdRecord make_unknown_threshold(const Tuning& tuning) {
  const auto& engine = tuning.engine;
  return {
      .name = std::string(engine.op.threshold_name(tuning.workload.problem)),
      .problem = to_string(tuning.workload.problem),
      .workload = to_string(tuning.workload),
      .device = to_string(engine.runner.target()),
      .margin = tuning.options.margin,
      .ladder_json = "[]",
      .run = engine.run,
      .created_utc = cache::utc_now(),
  };
}

std::optional<cache::ThresholdRecord> climb_ladder(Tuning& tuning, const Tried& winner, const Tried& baseline) {
  const Stopwatch clock;
  Engine& engine = tuning.engine;
  const auto winner_code = find_or_compile(tuning, *winner.candidate);
  const auto baseline_code = find_or_compile(tuning, *baseline.candidate);
  if (!winner_code || !baseline_code) return make_unknown_threshold(tuning);  // they compiled when they were gated

  const std::array<RaceEntry, 2> lanes{{{.config = winner.candidate->config, .binary = &*winner_code},
                                        {.config = baseline.candidate->config, .binary = &*baseline_code}}};
  std::vector<Rung> rungs;
  std::int64_t done = 0;
  const auto ladder = sorted_ladder(engine.op, tuning.workload);
  const auto race = [&](const Workload& workload) {
    report_progress(engine, {.done = done,
                             .total = std::max(done + 1, static_cast<std::int64_t>(ladder.size())),
                             .phase = "threshold",
                             .best_us = winner.trial.time_us});
    NSAJIT_ASSERT(workload.problem == tuning.workload.problem, "a ladder changes sizes, not what kernels are built for");
    add_rung(rungs, workload, engine.op.threshold_length(workload),
             engine.runner.race(workload, lanes, tuning.options.final_race));
    ++done;
  };
  for (const Workload& workload : ladder) {
    if (stop_requested(engine)) return std::nullopt;
    race(workload);
  }
  // Serving wants to know where the winner begins to be the faster one, the stored value where it is so by the margin.
  for (const double ratio : {1.0, tuning.options.margin}) {
    for (int halving = 0; halving < kHalvings; ++halving) {
      if (stop_requested(engine)) return std::nullopt;
      const auto between = halve_the_step(engine.op, rungs, ratio);
      if (!between) break;
      race(*between);
    }
  }
  tuning.phases.threshold_s += clock.seconds();
  return make_threshold(tuning, winner, baseline, points_of(rungs));
}

}  // namespace nsajit::tuner
