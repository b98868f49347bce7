// Ridge regression by coordinate descent, each residual clipped: a config that runs into a wall (a bank conflict, an
// occupancy step) is off by a factor, and must not drag every value that it happens to have with it.

#include "tuner/learned_cost.h"

#include <algorithm>
#include <cmath>

#include "core/assert.h"
#include "tuner/statistics.h"

namespace nsajit::tuner {
namespace {

constexpr double kShrinkage = 1.0;        // a correction from one trial is half of what that trial says
constexpr double kLargestResidual = 0.5;  // a factor of 1.6
constexpr int kSweeps = 3;                // per trial; the next goes on from there
constexpr int kWholeSweeps = 20;          // from many trials at once
constexpr int kPriorRounds = 3;           // over all spaces
constexpr std::size_t kErrors = 16;       // the last ones tell how good the corrections are by now
constexpr double kLeastError = 0.03;      // measurements are not better than that
// Until the second cost is told. Half of what the operations' models expect is within a tenth (docs/performance.md); who
// distrusts them more tries one of everything where a few trials are all there is.
constexpr double kModelError = 0.1;
constexpr double kUnmodelledError = 1;

double clip(double residual) { return std::clamp(residual, -kLargestResidual, kLargestResidual); }

// Where the model knows some candidates only, the others count as its slowest. Without a model all are equal.
std::vector<double> logs_of(const Landscape& landscape) {
  const double slowest = landscape.has_model ? *std::max_element(landscape.expected.begin(), landscape.expected.end()) : 1.0;
  std::vector<double> logs;
  for (const double cost : landscape.expected) logs.push_back(std::log(cost > 0 ? cost : slowest));
  return logs;
}

}  // namespace

LearnedCost::LearnedCost(std::shared_ptr<const Landscape> landscape, const CostPrior* prior)
    : landscape_(std::move(landscape)),
      expected_log_(logs_of(*landscape_)),
      prior_(landscape_->trait_names.size(), 0.0),
      trials_of_(landscape_->trait_names.size()) {
  for (std::size_t trait = 0; prior != nullptr && trait < prior_.size(); ++trait) {
    if (const auto known = prior->find(landscape_->trait_names[trait]); known != prior->end()) prior_[trait] = known->second;
  }
  correction_ = prior_;
}

double LearnedCost::correction(std::size_t candidate) const {
  double sum = level_;
  for (const std::uint32_t trait : landscape_->traits[candidate]) sum += correction_[trait];
  return sum;
}

double LearnedCost::expect_log(std::size_t candidate) const { return expected_log_[candidate] + correction(candidate); }

double LearnedCost::error() const {
  if (errors_.empty()) return landscape_->has_model ? kModelError : kUnmodelledError;
  const std::size_t count = std::min(kErrors, errors_.size());
  // 1.4826: from the median of absolute errors to a standard deviation.
  return std::max(kLeastError, 1.4826 * summarize(std::span(errors_).last(count)).median);
}

void LearnedCost::add(std::size_t candidate, double cost) {
  NSAJIT_ASSERT(cost > 0, "a measured cost is positive");
  const double excess = std::log(cost) - expected_log_[candidate];
  if (!trials_.empty()) errors_.push_back(std::abs(excess - correction(candidate)));
  for (const std::uint32_t trait : landscape_->traits[candidate]) {
    if (trials_of_[trait].empty()) seen_.push_back(trait);
    trials_of_[trait].push_back(static_cast<std::uint32_t>(trials_.size()));
  }
  trials_.push_back({.candidate = candidate, .excess = excess});
}

void LearnedCost::learn(std::size_t candidate, double cost) {
  add(candidate, cost);
  for (int sweep = 0; sweep < kSweeps; ++sweep) refit();
}

void LearnedCost::learn_all(std::span<const std::pair<std::size_t, double>> costs) {
  for (const auto& [candidate, cost] : costs) add(candidate, cost);
  for (int sweep = 0; !trials_.empty() && sweep < kWholeSweeps; ++sweep) refit();
}

CostPrior LearnedCost::corrections() const {
  CostPrior found;
  for (const std::uint32_t trait : seen_) found[landscape_->trait_names[trait]] = correction_[trait];
  return found;
}

void LearnedCost::refit_level() {
  if (trials_.size() == 1) level_ += trials_.front().excess - correction(trials_.front().candidate);
  double sum = 0;
  for (const Trial& trial : trials_) sum += clip(trial.excess - correction(trial.candidate));
  level_ += sum / static_cast<double>(trials_.size());
}

void LearnedCost::refit() {
  refit_level();
  for (const std::uint32_t trait : seen_) {
    double sum = kShrinkage * prior_[trait];
    for (const std::uint32_t index : trials_of_[trait]) {
      const Trial& trial = trials_[index];
      sum += clip(trial.excess - correction(trial.candidate)) + correction_[trait];
    }
    correction_[trait] = sum / (static_cast<double>(trials_of_[trait].size()) + kShrinkage);
  }
}

CostPrior fit_prior(std::span<const SpaceCosts> spaces) {
  struct Fit {
    double sum = 0;
    int count = 0;
  };
  CostPrior prior;
  // Each round: every space fits its own corrections from the prior so far; the prior becomes their mean.
  for (int round = 0; round < kPriorRounds; ++round) {
    std::map<std::string, Fit> fits;
    for (const SpaceCosts& space : spaces) {
      LearnedCost learned(space.landscape, &prior);
      learned.learn_all(space.costs);
      for (const auto& [name, value] : learned.corrections()) {
        fits[name].sum += value;
        ++fits[name].count;
      }
    }
    prior.clear();
    for (const auto& [name, fit] : fits) prior[name] = fit.sum / (fit.count + kShrinkage);
  }
  return prior;
}

}  // namespace nsajit::tuner
