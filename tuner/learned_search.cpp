// Learned search. A candidate's score is the logarithm of what it may cost at best: the expectation, less the expectation's
// usual error for every part of it that was seldom tried.

#include "tuner/learned_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "tuner/strategy.h"

namespace nsajit::tuner {
namespace {

constexpr double kCuriosity = 0.5;
// What was never tried may differ from the expectation by more than what was: 10 % is a step of a tile size.
constexpr double kUnknownGain = 0.1;
// Nothing left can win when what is left is expected to take this many usual errors longer than the best.
constexpr double kStopErrors = 3;
constexpr std::size_t kTrialsBeforeStop = 12;
// A variant of which the model expects no more than this is tried once, whatever the others cost.
constexpr double kVariantFactor = 4;

constexpr double kNever = std::numeric_limits<double>::infinity();

struct Choice {
  std::optional<std::size_t> candidate{};
  double score = kNever;

  void consider(std::size_t other, double its_score) {
    if (its_score >= score) return;
    candidate = other;
    score = its_score;
  }
};

class LearnedSearch final : public Strategy {
 public:
  LearnedSearch(const StrategyOptions& options, std::size_t first_choice)
      : landscape_(options.landscape),
        prior_(options.prior),
        cost_(landscape_, prior_.get()),
        offered_(landscape_->size(), false),
        tried_(landscape_->trait_names.size(), 0),
        first_(options.first),
        budget_(options.max_trials, landscape_->size()),
        start_(first_choice) {}

  std::optional<Offer> next() override {
    if (budget_.left() == 0) return std::nullopt;
    const auto candidate = choose();
    if (!candidate) return std::nullopt;
    offered_[*candidate] = true;
    budget_.take();
    for (const std::uint32_t trait : landscape_->traits[*candidate]) ++tried_[trait];
    return Offer{.candidate = *candidate};
  }

  void tell(std::size_t candidate, std::optional<double> cost) override {
    if (!cost) budget_.give_back();
    if (!cost || !(*cost > 0)) return;
    cost_.learn(candidate, *cost);
    best_log_ = std::min(best_log_, std::log(*cost));
  }

 private:
  std::optional<std::size_t> choose() {
    if (!offered_[first_]) return first_;
    const double error = cost_.error();
    const double curiosity = kCuriosity * error + kUnknownGain;
    Choice any, new_variant;
    double hope = kNever;
    for (std::size_t step = 0; step < offered_.size(); ++step) {
      const std::size_t candidate = (start_ + step) % offered_.size();
      if (offered_[candidate]) continue;
      const double expected = cost_.expect_log(candidate), unknown = novelty(*landscape_, candidate, tried_);
      hope = std::min(hope, expected - kStopErrors * (error + kUnknownGain * unknown));
      any.consider(candidate, expected - curiosity * unknown);
      if (tried_[landscape_->variant_of(candidate)] == 0) new_variant.consider(candidate, expected);
    }
    if (new_variant.score < any.score + std::log(kVariantFactor)) return new_variant.candidate;
    const bool hopeless = cost_.learned() >= kTrialsBeforeStop && hope > best_log_;
    return hopeless ? std::nullopt : any.candidate;
  }

  std::shared_ptr<const Landscape> landscape_;
  std::shared_ptr<const CostPrior> prior_;
  LearnedCost cost_;
  std::vector<bool> offered_;
  std::vector<int> tried_;  // offers, by trait
  std::size_t first_;
  TrialBudget budget_;
  std::size_t start_;  // where equals are looked through from: without a model the seed decides among them
  double best_log_ = kNever;
};

}  // namespace

std::unique_ptr<Strategy> make_learned_search(const StrategyOptions& options) {
  return std::make_unique<LearnedSearch>(options, options.seed % options.candidates);
}

}  // namespace nsajit::tuner
