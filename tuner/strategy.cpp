// Every strategy fixes a visiting order when they are made; costs do not change it. The default comes first,
// so that any budget, however small, has measured it.

#include "tuner/strategy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::tuner {
namespace {

class FixedOrder final : public Strategy {
 public:
  explicit FixedOrder(std::vector<std::size_t> order) : order_(std::move(order)) {}

  std::optional<std::size_t> next() override {
    if (position_ == order_.size()) return std::nullopt;
    return order_[position_++];
  }
  void tell(std::size_t, std::optional<double>) override {}

 private:
  std::vector<std::size_t> order_;
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
std::vector<std::size_t> exhaustive_order(const StrategyOptions& options) {
  std::vector<std::size_t> order = strided_order(options);
  if (order.empty()) return order;
  const auto is_neighbour = [&](std::size_t index) { return index + 1 == options.first || index == options.first + 1; };
  std::size_t start = options.seed % order.size();
  for (std::size_t tried = 0; tried < order.size() && is_neighbour(order[start]); ++tried) start = (start + 1) % order.size();
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(start), order.end());
  return order;
}

// Fisher-Yates by hand: std::shuffle may give another order with another standard library.
std::vector<std::size_t> random_order(const StrategyOptions& options) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < options.candidates; ++index)
    if (index != options.first) order.push_back(index);
  std::mt19937_64 random(options.seed);
  for (std::size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random() % left]);
  return order;
}

std::vector<std::size_t> ranked_order(const StrategyOptions& options) {
  std::vector<std::size_t> order = exhaustive_order(options);
  const auto expected = [&options](std::size_t index) {
    const bool known = index < options.expected.size() && options.expected[index] > 0;
    return known ? options.expected[index] : std::numeric_limits<double>::infinity();
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return expected(a) < expected(b); });
  return order;
}

std::vector<std::size_t> make_order(std::string_view name, const StrategyOptions& options) {
  if (name == "exhaustive") return exhaustive_order(options);
  if (name == "random") return random_order(options);
  return ranked_order(options);
}

}  // namespace

std::unique_ptr<Strategy> make_strategy(std::string_view name, const StrategyOptions& options) {
  if (name != "exhaustive" && name != "random" && name != "ranked")
    throw Error(ErrorCode::InvalidArgument, fmt::format("strategy \"{}\" is not known; take exhaustive, random or ranked", name));
  if (options.candidates == 0) return std::make_unique<FixedOrder>(std::vector<std::size_t>{});
  if (options.first >= options.candidates)
    throw Error(ErrorCode::InvalidArgument, fmt::format("strategy {}: the default has index {}, but there are {} candidates",
                                                        name, options.first, options.candidates));
  std::vector<std::size_t> order = make_order(name, options);
  order.insert(order.begin(), options.first);
  if (options.max_trials != 0 && options.max_trials < order.size()) order.resize(options.max_trials);
  return std::make_unique<FixedOrder>(std::move(order));
}

}  // namespace nsajit::tuner
