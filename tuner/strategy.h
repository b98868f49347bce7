#pragma once
// Strategy: decides which candidate is tried next. Knows indices, costs and a Landscape, nothing of kernels, clocks or
// devices, and so is tested and replayed without any.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/landscape.h"
#include "tuner/learned_cost.h"

namespace nsajit::tuner {

struct Offer {
  std::size_t candidate = 0;
  int rounds = 0;  // samples to take; 0: as many as a first measurement takes
  bool operator==(const Offer&) const = default;
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  // nullopt: nothing until more is told; where nothing offered is still unanswered, done. A candidate is offered again only
  // after its cost was told, and only for more rounds.
  virtual std::optional<Offer> next() = 0;
  // Every offer is answered, in any order. nullopt: rejected.
  virtual void tell(std::size_t candidate, std::optional<double> cost) = 0;
};

struct StrategyOptions {
  std::size_t candidates = 0;  // indices 0 .. candidates - 1
  std::size_t first = 0;       // the built-in default: offered first, always
  std::size_t max_trials = 0;  // different candidates that are timed (TrialBudget); 0 = no limit
  std::uint64_t seed = 1;
  std::shared_ptr<const Landscape> landscape{};  // nullptr: nothing is known but the number of candidates
  std::shared_ptr<const CostPrior> prior{};      // what other spaces taught; nullptr: nothing
};

// How many more candidates may be offered. One that is rejected is no trial: another takes its place, as often as there are
// trials, so that a space of nothing but kernels that spill still ends.
class TrialBudget {
 public:
  TrialBudget(std::size_t max_trials, std::size_t candidates)
      : left_(max_trials == 0 ? candidates : std::min(max_trials, candidates)), spare_(left_) {}

  std::size_t left() const { return left_; }
  void take() { --left_; }
  void give_back() {
    if (spare_ == 0) return;
    --spare_;
    ++left_;
  }

 private:
  std::size_t left_;
  std::size_t spare_;
};

// Throws Error{InvalidArgument} listing the names.
std::unique_ptr<Strategy> make_strategy(std::string_view name, const StrategyOptions& options);

// "exhaustive, halving, ..."
std::string strategy_names();
// Whether it reads Landscape::expected, and the stored trials of other spaces.
bool uses_model(std::string_view name);

// All candidates in a fixed order, the default first. For strategies that begin with one.
// Requires: a landscape for ranked_order.
std::vector<std::size_t> exhaustive_order(const StrategyOptions& options);
std::vector<std::size_t> ranked_order(const StrategyOptions& options);

}  // namespace nsajit::tuner
