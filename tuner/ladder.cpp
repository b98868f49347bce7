// Ladder: one race per length, shortest first.

#include "tuner/ladder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cache/utc_time.h"
#include "core/assert.h"
#include "core/digest.h"
#include "core/log.h"
#include "tuner/thresholds.h"

namespace nsajit::tuner {
namespace {

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
  threshold.ladder_json = ladder_to_json(points);
  return threshold;
}

// A length at which the winner fails rules out all shorter ones too: served lengths are an unbroken range up to the
// largest. One at which only the baseline fails says nothing.
void add_point(std::vector<LadderPoint>& points, std::int64_t length, const RaceResult& race) {
  const TrialResult& winner = race.entries[0];
  const TrialResult& baseline = race.entries[1];
  if (winner.status != cache::TrialStatus::Measured) {
    log_warn(fmt::format("threshold: the winner failed at length {}: {}: {}", length, to_string(winner.status), winner.reason));
    points.clear();
  } else if (baseline.status != cache::TrialStatus::Measured) {
    log_warn(
        fmt::format("threshold: the baseline failed at length {}: {}: {}", length, to_string(baseline.status), baseline.reason));
  } else {
    points.push_back({.length = length, .time_us = winner.timing.summary.median, .baseline_us = baseline.timing.summary.median});
  }
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
  const auto ladder = sorted_ladder(engine.op, tuning.workload);
  std::vector<LadderPoint> points;
  for (std::size_t index = 0; index < ladder.size(); ++index) {
    if (stop_requested(engine)) return std::nullopt;
    report_progress(engine, {.done = static_cast<std::int64_t>(index),
                             .total = static_cast<std::int64_t>(ladder.size()),
                             .phase = "threshold",
                             .best_us = winner.trial.time_us});
    NSAJIT_ASSERT(ladder[index].problem == tuning.workload.problem, "a ladder changes sizes, not what kernels are built for");
    const auto race = engine.runner.race(ladder[index], lanes, tuning.options.final_race);
    add_point(points, engine.op.threshold_length(ladder[index]), race);
  }
  tuning.phases.threshold_s += clock.seconds();
  return make_threshold(tuning, winner, baseline, points);
}

}  // namespace nsajit::tuner
