// Interleaved measurement. Every sample starts with a cold last-level cache: a tuned kernel is called between
// others that have used the cache, and a warm one would favour configs that read more.

#include "tuner/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/assert.h"
#include "tuner/stopwatch.h"
#include "tuner/throttle.h"

namespace nsajit::tuner {
namespace {

constexpr int kMinRounds = 3;
constexpr double kDriftLimit = 0.02;  // less is within what rotation and pairs even out

// Who runs at `place` of a round. The start moves by one each round, so that a drift within a round hits all
// alike; odd rounds run backwards, so that nobody always follows the same neighbour.
std::size_t contender_at(std::size_t place, std::size_t round, std::size_t count) {
  const std::size_t rotated = (round / 2 + place) % count;
  return round % 2 == 0 ? rotated : count - 1 - rotated;
}

void run_round(runtime::Device& device, std::span<const TimedRun> contenders, std::size_t round, std::vector<Timing>& timings) {
  for (std::size_t place = 0; place < contenders.size(); ++place) {
    const std::size_t index = contender_at(place, round, contenders.size());
    device.flush_cache();
    timings[index].samples_us.push_back(contenders[index]());
  }
}

// Device time of the contender that has had the least.
double least_time_us(const std::vector<Timing>& timings) {
  double least = std::numeric_limits<double>::max();
  for (const Timing& timing : timings)
    least = std::min(least, std::accumulate(timing.samples_us.begin(), timing.samples_us.end(), 0.0));
  return least;
}

// How slow each round was, over all contenders: a disturbance of the device shows in all of them, noise in one.
Drift find_common_drift(std::span<const Timing> timings) {
  std::vector<double> centres;
  for (const Timing& timing : timings) centres.push_back(summarize(timing.samples_us).median);
  std::vector<double> rounds;
  for (std::size_t round = 0; round < timings.front().samples_us.size(); ++round) {
    std::vector<double> shares;
    for (std::size_t i = 0; i < timings.size(); ++i) {
      if (centres[i] > 0) shares.push_back(timings[i].samples_us[round] / centres[i]);
    }
    if (!shares.empty()) rounds.push_back(summarize(shares).median);
  }
  return find_drift(rounds);
}

bool drifts(const Drift& drift) { return drift.significant && std::abs(drift.change) > kDriftLimit; }

std::string describe_disturbance(const Drift& drift, const std::string& throttle) {
  std::string text = throttle;
  if (drifts(drift)) text += fmt::format("{}drifts by {:+.1f} % over the rounds", text.empty() ? "" : ", ", 100 * drift.change);
  return text;
}

}  // namespace

std::vector<Timing> measure_interleaved(runtime::Device& device, std::span<const Contender> contenders,
                                        const MeasureOptions& options) {
  std::vector<TimedRun> runs;
  for (const Contender& contender : contenders)
    runs.push_back([&device, &contender] { return device.time_us(*contender.kernel, contender.plan, contender.args); });
  return measure_interleaved(device, runs, options);
}

std::vector<Timing> measure_interleaved(runtime::Device& device, std::span<const TimedRun> contenders,
                                        const MeasureOptions& options) {
  NSAJIT_ASSERT(!contenders.empty(), "a measurement needs a contender");
  const Stopwatch stopwatch;
  std::vector<Timing> timings(contenders.size());
  const auto out_of_time = [&] { return 1e6 * stopwatch.seconds() > options.max_total_us; };

  std::vector<Timing> discarded(contenders.size());
  for (int round = 0; round < options.warmup && !(round > 0 && out_of_time()); ++round)
    run_round(device, contenders, static_cast<std::size_t>(round), discarded);

  const auto wanted = [&](int round) {
    if (round < kMinRounds) return true;
    if (out_of_time()) return false;
    return round < options.rounds || least_time_us(timings) < options.min_rounds_us;
  };
  const runtime::ClockReading before = device.clocks();
  const auto run_rounds = [&] {
    for (int round = 0; wanted(round); ++round) run_round(device, contenders, static_cast<std::size_t>(round), timings);
    return find_common_drift(timings);
  };
  Drift drift = run_rounds();
  if (drifts(drift) && !out_of_time()) {
    timings.assign(contenders.size(), {});
    drift = run_rounds();
  }

  const runtime::ClockReading clocks = device.clocks();
  const std::string disturbance = describe_disturbance(drift, find_throttle(before, clocks));
  for (Timing& timing : timings) {
    timing.summary = summarize(timing.samples_us);
    timing.sm_mhz = clocks.sm_mhz;
    timing.memory_mhz = clocks.memory_mhz;
    timing.disturbance = disturbance;
  }
  return timings;
}

}  // namespace nsajit::tuner
