// Ladder: both ends, then what lies between two lengths that leave it open, then a few more where the winner begins to be the
// faster one, and where it begins to be so by the margin. A race is short where that leaves nothing open.

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
// The first race of a length. Where its rounds are all on one side of 1 and of the margin by this factor, longer ones would say
// no more: kernels that far apart are not told from each other by their noise.
constexpr MeasureOptions kShortRace{.warmup = 1, .rounds = 3};
constexpr double kClear = 1.25;
// Two lengths that are on one side by this factor speak for those between them. The steepest fall that was seen is 27 % in an
// octave (from 11.6 to 8.5); a ratio of 3 margins of 1.2 that fell so for four octaves, the middle of eight, would still be 1.02.
constexpr double kFar = 3;

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

// A length of the ladder.
struct Rung {
  Workload workload;
  std::int64_t length = 0;
  bool settled = false;                // raced, or known from the final race
  std::optional<LadderPoint> point{};  // none: not settled, or only the baseline failed, which says nothing
};

// Whether all ratios from `low` to `high` are on one side of what is looked for, by this factor.
bool are_beyond(double low, double high, double factor, double margin) {
  const auto beyond = [&](double ratio) { return low >= ratio * factor || high * factor <= ratio; };
  return beyond(1.0) && beyond(margin);
}

bool measured(const TrialResult& result) { return result.status == cache::TrialStatus::Measured; }

bool is_clear(const RaceResult& race, double margin) {
  const Summary& winner = race.entries[0].timing.summary;
  const Summary& baseline = race.entries[1].timing.summary;
  return are_beyond(baseline.low / winner.high, baseline.high / winner.low, kClear, margin);
}

class Climb {
 public:
  Climb(Tuning& tuning, const Tried& winner, const Tried& baseline, std::span<const RaceEntry> lanes)
      : tuning_(tuning), winner_(winner), baseline_(baseline), lanes_(lanes) {
    for (const Workload& workload : sorted_ladder(tuning.engine.op, tuning.workload))
      rungs_.push_back({.workload = workload, .length = tuning.engine.op.threshold_length(workload)});
    total_ = static_cast<std::int64_t>(rungs_.size());
  }

  // nullopt: stopped on the way.
  std::optional<std::vector<LadderPoint>> climb() {
    while (const auto open = find_open()) {
      if (stop_requested(tuning_.engine)) return std::nullopt;
      settle(*open);
    }
    // Serving wants to know where the winner begins to be the faster one, the stored value where it is so by the margin.
    for (const double ratio : {1.0, tuning_.options.margin}) {
      for (int halving = 0; halving < kHalvings; ++halving) {
        const auto between = halve_the_step(ratio);
        if (!between) break;
        if (stop_requested(tuning_.engine)) return std::nullopt;
        settle(insert(*between));
      }
    }
    return points();
  }

 private:
  std::vector<LadderPoint> points() const {
    std::vector<LadderPoint> points;
    for (const Rung& rung : rungs_)
      if (rung.point) points.push_back(*rung.point);
    return points;
  }

  // The ends, the longer one first; then the middle of the longest lengths that are not spoken for by those around them.
  std::optional<std::size_t> find_open() const {
    if (rungs_.empty()) return std::nullopt;
    if (!rungs_.back().settled) return rungs_.size() - 1;
    if (!rungs_.front().settled) return 0;
    for (std::size_t above = rungs_.size() - 1; above > 0;) {
      std::size_t below = above - 1;
      while (!rungs_[below].settled) --below;
      if (above - below > 1 && !speak_for_between(rungs_[below], rungs_[above])) return (below + above) / 2;
      above = below;
    }
    return std::nullopt;
  }

  bool speak_for_between(const Rung& below, const Rung& above) const {
    if (!below.point || !above.point || below.point->time_us <= 0) return false;
    const auto ratio = [](const Rung& rung) { return rung.point->baseline_us / rung.point->time_us; };
    const double one = ratio(below), other = ratio(above);
    return are_beyond(std::min(one, other), std::max(one, other), kFar, tuning_.options.margin);
  }

  void settle(std::size_t index) {
    Rung& rung = rungs_[index];
    NSAJIT_ASSERT(rung.workload.problem == tuning_.workload.problem, "a ladder changes sizes, not what kernels are built for");
    rung.settled = true;
    if (rung.workload == tuning_.workload)  // the final race was here
      rung.point = {.length = rung.length, .time_us = winner_.trial.time_us, .baseline_us = baseline_.trial.time_us};
    else
      add_result(index, race(rung.workload));
  }

  RaceResult race(const Workload& workload) {
    Engine& engine = tuning_.engine;
    report_progress(
        engine, {.done = done_, .total = std::max(done_ + 1, total_), .phase = "threshold", .best_us = winner_.trial.time_us});
    ++done_;
    RaceResult first = engine.runner.race(workload, lanes_, kShortRace);
    const bool failed = !measured(first.entries[0]) || !measured(first.entries[1]);
    if (failed || is_clear(first, tuning_.options.margin)) return first;
    return engine.runner.race(workload, lanes_, tuning_.options.final_race);
  }

  // A length at which the winner fails rules out all shorter ones too: served lengths are an unbroken range up to the
  // largest. It stays as a point without a time, so that no shorter one is expected to do better. One at which only the
  // baseline fails says nothing.
  void add_result(std::size_t index, const RaceResult& race) {
    const TrialResult& winner = race.entries[0];
    const TrialResult& baseline = race.entries[1];
    const std::int64_t length = rungs_[index].length;
    const auto warn = [&](const char* who, const TrialResult& result) {
      log_warn(
          fmt::format("threshold: the {} failed at length {}: {}: {}", who, length, to_string(result.status), result.reason));
    };
    const bool failed = !measured(winner);
    if (failed)
      warn("winner", winner);
    else if (!measured(baseline))
      return warn("baseline", baseline);
    rungs_[index].point = {
        .length = length, .time_us = failed ? 0 : winner.timing.summary.median, .baseline_us = baseline.timing.summary.median};
    if (!failed) return;
    const Rung last = rungs_[index];
    std::erase_if(rungs_, [&](const Rung& rung) { return rung.length <= length; });
    rungs_.insert(rungs_.begin(), last);
  }

  std::size_t insert(const Workload& workload) {
    const std::int64_t length = tuning_.engine.op.threshold_length(workload);
    const auto place = std::find_if(rungs_.begin(), rungs_.end(), [&](const Rung& rung) { return rung.length > length; });
    const auto index = static_cast<std::size_t>(place - rungs_.begin());  // before the insertion moves them
    rungs_.insert(place, {.workload = workload, .length = length});
    return index;
  }

  // Halfway between the longest length that loses and the next one; nullopt: there is no length in between, or none loses, or
  // the longest does.
  std::optional<Workload> halve_the_step(double margin) const {
    std::vector<Rung> known;
    std::copy_if(rungs_.begin(), rungs_.end(), std::back_inserter(known),
                 [](const Rung& rung) { return rung.point.has_value(); });
    const auto loses = [&](const Rung& rung) { return !wins(*rung.point, margin); };
    const auto last = std::find_if(known.rbegin(), known.rend(), loses);
    if (last == known.rend() || last == known.rbegin()) return std::nullopt;
    const Workload& below = last->workload;
    const Workload& above = std::prev(last)->workload;
    Workload between = above;
    between.S = (below.S + above.S) / 2;
    between.S_kv = (below.S_kv + above.S_kv) / 2;
    between.n = (below.n + above.n) / 2;
    const std::int64_t length = tuning_.engine.op.threshold_length(between);
    const bool inside = length > last->length && length < std::prev(last)->length;
    return inside ? std::optional(between) : std::nullopt;
  }

  Tuning& tuning_;
  const Tried& winner_;
  const Tried& baseline_;
  std::span<const RaceEntry> lanes_;  // the winner, the baseline
  std::vector<Rung> rungs_;           // by length
  std::int64_t done_ = 0, total_ = 0;
};

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
  const auto winner_code = find_or_compile(tuning, *winner.candidate);
  const auto baseline_code = find_or_compile(tuning, *baseline.candidate);
  if (!winner_code || !baseline_code) return make_unknown_threshold(tuning);  // they compiled when they were gated

  const std::array<RaceEntry, 2> lanes{{{.config = winner.candidate->config, .binary = &*winner_code},
                                        {.config = baseline.candidate->config, .binary = &*baseline_code}}};
  const auto points = Climb(tuning, winner, baseline, lanes).climb();
  if (!points) return std::nullopt;
  tuning.phases.threshold_s += clock.seconds();
  return make_threshold(tuning, winner, baseline, *points);
}

}  // namespace nsajit::tuner
