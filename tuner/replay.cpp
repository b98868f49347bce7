// Replay: the loop of the search with a table in place of a machine.

#include "tuner/replay.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <utility>

#include "core/assert.h"
#include "tuner/engine.h"
#include "tuner/final_race.h"

namespace nsajit::tuner {
namespace {

// Standard normal, as a sum of twelve uniforms: the same numbers with every standard library.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : random_(seed) {}

  // Median of `rounds` samples around a recorded time: each side as wide as the recorded interval's, since times are
  // skewed; a disturbance makes them longer, never shorter than the kernel.
  double median(const RecordedTrial& trial, int rounds) {
    double normal = -6;
    for (int i = 0; i < 12; ++i) normal += static_cast<double>(random_() >> 11) * 0x1p-53;
    return std::max(trial.time_us + normal * deviation(trial, normal < 0 ? Side::Low : Side::High, rounds), 0.01 * trial.time_us);
  }

  enum class Side : std::uint8_t { Low, High };
  // The interval's end is 1.96 standard deviations of a median away; that shrinks with the root of the samples.
  static double deviation(const RecordedTrial& trial, Side side, int rounds) {
    const double width = side == Side::Low ? trial.time_us - trial.low_us : trial.high_us - trial.time_us;
    return width / 1.96 * std::sqrt(static_cast<double>(std::max(trial.samples, 1)) / rounds);
  }

 private:
  std::mt19937_64 random_;
};

class Replay {
 public:
  Replay(const ReplaySpace& space, const ReplayOptions& options)
      : space_(space),
        options_(options),
        noise_(options.seed),
        strategy_(make_strategy(options.strategy, {.candidates = space.recorded.trials.size(),
                                                   .max_trials = options.trials,
                                                   .seed = options.seed,
                                                   .landscape = space.landscape,
                                                   .prior = space.prior})) {}

  ReplayOutcome run() {
    std::deque<Offer> under_way;
    for (;;) {
      while (under_way.size() < options_.ahead) {
        const auto next = strategy_->next();
        if (!next) break;
        under_way.push_back(*next);
      }
      if (under_way.empty()) break;
      answer(under_way.front());
      under_way.pop_front();
    }
    return judge();
  }

 private:
  void answer(const Offer& offer) {
    const RecordedTrial& trial = space_.recorded.trials[offer.candidate];
    ++outcome_.trials;
    if (!trial.passed) {
      strategy_->tell(offer.candidate, std::nullopt);
      return;
    }
    const int rounds = offer.rounds > 0 ? offer.rounds : TuneOptions{}.screening.rounds;
    outcome_.samples += rounds;
    const double cost = noise_.median(trial, rounds);
    if (!costs_.insert_or_assign(offer.candidate, cost).second) --outcome_.trials;
    strategy_->tell(offer.candidate, cost);
  }

  ReplayOutcome judge() {
    const auto& trials = space_.recorded.trials;
    const std::size_t winner = race();
    outcome_.regret = trials[winner].time_us / space_.best_us - 1;
    const bool served = trials.front().passed;
    outcome_.default_regret = served ? trials.front().time_us / space_.best_us - 1 : outcome_.regret;
    return outcome_;
  }

  std::size_t race() {
    std::vector<std::pair<double, std::size_t>> ranked;
    for (const auto& [candidate, cost] : costs_) ranked.emplace_back(cost, candidate);
    std::sort(ranked.begin(), ranked.end());
    std::vector<Finalist> finalists;
    std::vector<std::size_t> candidates;
    const int rounds = TuneOptions{}.final_race.rounds;
    for (const auto& [cost, candidate] : ranked) {
      if (candidates.size() >= static_cast<std::size_t>(options_.finalists) && candidate != 0) continue;
      const RecordedTrial& trial = space_.recorded.trials[candidate];
      const double median = noise_.median(trial, rounds);
      finalists.push_back({.summary = {.median = median,
                                       .low = median - 1.96 * Noise::deviation(trial, Noise::Side::Low, rounds),
                                       .high = median + 1.96 * Noise::deviation(trial, Noise::Side::High, rounds),
                                       .samples = rounds},
                           .is_default = candidate == 0,
                           .config = to_string(trial.config)});
      candidates.push_back(candidate);
    }
    return finalists.empty() ? 0 : candidates[choose_winner(finalists)];
  }

  const ReplaySpace& space_;
  const ReplayOptions& options_;
  Noise noise_;
  std::unique_ptr<Strategy> strategy_;
  std::map<std::size_t, double> costs_;
  ReplayOutcome outcome_;
};

}  // namespace

ReplaySpace make_replay_space(RecordedSpace recorded, std::vector<double> expected) {
  std::vector<Config> configs;
  double best = 0;
  for (const RecordedTrial& trial : recorded.trials) {
    configs.push_back(trial.config);
    if (trial.passed && (best == 0 || trial.time_us < best)) best = trial.time_us;
  }
  NSAJIT_ASSERT(best > 0, "a space to replay has a trial that passed");
  auto landscape = std::make_shared<const Landscape>(make_landscape(configs, std::move(expected)));
  return {.recorded = std::move(recorded), .landscape = std::move(landscape), .prior = nullptr, .best_us = best};
}

void teach_spaces(std::vector<ReplaySpace>& spaces) {
  const auto subject = [](const ReplaySpace& space) {  // device and branch: traits of another mean something else
    return space.recorded.device + space.recorded.workload.substr(0, space.recorded.workload.find(','));
  };
  const auto problem = [](const ReplaySpace& space) {
    return space.recorded.workload.substr(0, space.recorded.workload.find(';'));
  };
  for (ReplaySpace& space : spaces) {
    std::vector<SpaceCosts> others;
    for (const ReplaySpace& other : spaces) {
      if (problem(other) == problem(space) || subject(other) != subject(space)) continue;
      SpaceCosts costs{.landscape = other.landscape, .costs = {}};
      for (std::size_t i = 0; i < other.recorded.trials.size(); ++i) {
        if (other.recorded.trials[i].passed) costs.costs.emplace_back(i, other.recorded.trials[i].time_us);
      }
      others.push_back(std::move(costs));
    }
    space.prior = std::make_shared<const CostPrior>(fit_prior(others));
  }
}

ReplayOutcome replay(const ReplaySpace& space, const ReplayOptions& options) { return Replay(space, options).run(); }

}  // namespace nsajit::tuner
