// The strategies whose order costs do not change, and the list of all. The default comes first everywhere, so that any
// budget, however small, has measured it.

#include "tuner/strategy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "tuner/halving.h"
#include "tuner/learned_search.h"
#include "tuner/local_search.h"

namespace nsajit::tuner {
namespace {

class FixedOrder final : public Strategy {
 public:
  FixedOrder(std::vector<std::size_t> order, std::size_t max_trials)
      : order_(std::move(order)), budget_(max_trials, order_.size()) {}

  std::optional<Offer> next() override {
    if (budget_.left() == 0 || position_ == order_.size()) return std::nullopt;
    budget_.take();
    return Offer{.candidate = order_[position_++]};
  }
  void tell(std::size_t, std::optional<double> cost) override {
    if (!cost) budget_.give_back();
  }

 private:
  std::vector<std::size_t> order_;
  TrialBudget budget_;
  std::size_t position_ = 0;
};

// Every index but `first`, in strides of sqrt(n): neighbours in the space differ in one tile parameter and so
// heat and throttle the device alike; measured back to back they would share a disturbance. Residues go down,
// so that the step from one pass to the next is not a step of one either.
std::vector<std::size_t> strided_order(const StrategyOptions& options) {
  const std::size_t count = options.candidates;
  const auto root = static_cast<std::size_t>(std::sqrt(static_cast<double>(count)));
  const std::size_t stride = std::max<std::size_t>(root, 1);
  std::vector<std::size_t> order;
  for (std::size_t residue = stride; residue-- > 0;)
    for (std::size_t index = residue; index < count; index += stride)
      if (index != options.first) order.push_back(index);
  return order;
}

// The seed decides where the cycle starts, so that two runs do not always warm the device on the same part of
// the space.
std::vector<std::size_t> rotated_order(const StrategyOptions& options) {
  std::vector<std::size_t> order = strided_order(options);
  if (order.empty()) return order;
  const auto is_neighbour = [&](std::size_t index) { return index + 1 == options.first || index == options.first + 1; };
  std::size_t start = options.seed % order.size();
  for (std::size_t tried = 0; tried < order.size() && is_neighbour(order[start]); ++tried) start = (start + 1) % order.size();
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(start), order.end());
  return order;
}

// Fisher-Yates by hand: std::shuffle may give another order with another standard library.
std::vector<std::size_t> shuffled_order(const StrategyOptions& options) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < options.candidates; ++index)
    if (index != options.first) order.push_back(index);
  std::mt19937_64 random(options.seed);
  for (std::size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random() % left]);
  return order;
}

// The k-th pick of a variant counts some percent more for each earlier one, so that where the model is wrong about one variant
// the others still have their turn. A config with values that were not picked yet counts less, by what models are usually off: of
// many that the model finds alike, some that are unlike come first.
constexpr double kSiblingPenalty = 1.04;
constexpr double kUnlikeGain = 0.1;

class Picks {
 public:
  explicit Picks(const Landscape& landscape) : landscape_(landscape), tried_(landscape.trait_names.size(), 0) {}

  void add(std::size_t candidate) {
    for (const std::uint32_t trait : landscape_.traits[candidate]) ++tried_[trait];
  }

  // Logarithm; infinite where the model knows nothing.
  double cost(std::size_t candidate) const {
    const double expected = landscape_.expected[candidate];
    if (expected <= 0) return std::numeric_limits<double>::infinity();
    return std::log(expected) + std::log(kSiblingPenalty) * tried_[landscape_.variant_of(candidate)] -
           kUnlikeGain * novelty(landscape_, candidate, tried_);
  }

 private:
  const Landscape& landscape_;
  std::vector<int> tried_;  // by trait
};

std::vector<std::size_t> finish_order(std::vector<std::size_t> order, const StrategyOptions& options) {
  order.insert(order.begin(), options.first);
  return order;
}

using Maker = std::unique_ptr<Strategy> (*)(const StrategyOptions&);

struct Known {
  std::string_view name;
  bool uses_model;
  Maker make;
};

template <std::vector<std::size_t> (*kOrder)(const StrategyOptions&)>
std::unique_ptr<Strategy> make_fixed(const StrategyOptions& options) {
  return std::make_unique<FixedOrder>(kOrder(options), options.max_trials);
}

std::vector<std::size_t> random_order(const StrategyOptions& options) { return finish_order(shuffled_order(options), options); }

constexpr std::array<Known, 6> kStrategies{{{"exhaustive", false, make_fixed<exhaustive_order>},
                                            {"random", false, make_fixed<random_order>},
                                            {"ranked", true, make_fixed<ranked_order>},
                                            {"halving", true, make_halving},
                                            {"local", true, make_local_search},
                                            {"learned", true, make_learned_search}}};

const Known& find_strategy(std::string_view name) {
  const auto* found =
      std::find_if(kStrategies.begin(), kStrategies.end(), [&](const Known& known) { return known.name == name; });
  if (found == kStrategies.end())
    throw Error(ErrorCode::InvalidArgument, fmt::format("strategy \"{}\" is not known; take one of {}", name, strategy_names()));
  return *found;
}

}  // namespace

std::vector<std::size_t> exhaustive_order(const StrategyOptions& options) {
  return finish_order(rotated_order(options), options);
}

// Picked one by one as far as a search may get, rejected ones counted; the rest keeps its order.
std::vector<std::size_t> ranked_order(const StrategyOptions& options) {
  std::vector<std::size_t> order = rotated_order(options);
  const std::size_t wanted = options.max_trials == 0 ? order.size() : std::min(2 * options.max_trials, order.size());
  Picks picks(*options.landscape);
  picks.add(options.first);
  for (auto place = order.begin(); place != order.begin() + static_cast<std::ptrdiff_t>(wanted); ++place) {
    auto best = place;
    double least = picks.cost(*best);
    for (auto other = place + 1; other != order.end(); ++other) {
      if (const double cost = picks.cost(*other); cost < least) {
        best = other;
        least = cost;
      }
    }
    picks.add(*best);
    std::rotate(place, best, best + 1);
  }
  return finish_order(std::move(order), options);
}

std::string strategy_names() {
  std::string names;
  for (const Known& known : kStrategies) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  return names;
}

bool uses_model(std::string_view name) { return find_strategy(name).uses_model; }

std::unique_ptr<Strategy> make_strategy(std::string_view name, const StrategyOptions& options) {
  const Known& known = find_strategy(name);
  if (options.candidates == 0) return std::make_unique<FixedOrder>(std::vector<std::size_t>{}, 0);
  if (options.first >= options.candidates)
    throw Error(ErrorCode::InvalidArgument, fmt::format("strategy {}: the default has index {}, but there are {} candidates",
                                                        name, options.first, options.candidates));
  if (options.landscape && options.landscape->size() != options.candidates)
    throw Error(ErrorCode::InvalidArgument, fmt::format("strategy {}: {} candidates, but a landscape of {}", name,
                                                        options.candidates, options.landscape->size()));
  if (options.landscape) return known.make(options);
  StrategyOptions complete = options;
  complete.landscape = std::make_shared<const Landscape>(make_blank_landscape(options.candidates));
  return known.make(complete);
}

}  // namespace nsajit::tuner
