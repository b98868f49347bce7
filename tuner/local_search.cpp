// Local search: the neighbours of what was told, cheapest first, before what is left of the model's order.

#include "tuner/local_search.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tuner/strategy.h"

namespace nsajit::tuner {
namespace {

// Starts before the first step: too few, and the search climbs the wrong hill; a third of a budget of 20 or so.
constexpr std::size_t kMostStarts = 8;
constexpr std::size_t kStartShare = 3;

class LocalSearch final : public Strategy {
 public:
  LocalSearch(std::vector<std::size_t> order, std::shared_ptr<const Landscape> landscape, std::size_t max_trials)
      : order_(std::move(order)),
        landscape_(std::move(landscape)),
        offered_(order_.size(), false),
        budget_(max_trials, order_.size()),
        starts_(std::min(kMostStarts, (budget_.left() + kStartShare - 1) / kStartShare)) {}

  std::optional<Offer> next() override {
    if (budget_.left() == 0) return std::nullopt;
    std::optional<std::size_t> found;
    if (starts_ > 0)
      --starts_;
    else
      found = find_step();
    if (!found) found = next_of_order();
    if (!found) return std::nullopt;
    offered_[*found] = true;
    budget_.take();
    return Offer{.candidate = *found};
  }

  void tell(std::size_t candidate, std::optional<double> cost) override {
    if (cost)
      told_.emplace(*cost, candidate);
    else
      budget_.give_back();
  }

 private:
  // Of the best with a neighbour that was not offered: the one of them that the model expects least of, in time.
  std::optional<std::size_t> find_step() {
    for (auto entry = told_.begin(); entry != told_.end();) {
      std::optional<std::pair<double, std::size_t>> best;
      for (const std::size_t neighbour : landscape_->neighbours[entry->second]) {
        if (offered_[neighbour]) continue;
        const auto offer = std::pair(landscape_->expected[neighbour], neighbour);
        if (!best || offer < *best) best = offer;
      }
      if (best) return best->second;
      entry = told_.erase(entry);  // nothing is left around it
    }
    return std::nullopt;
  }

  // nullopt: everything was offered.
  std::optional<std::size_t> next_of_order() {
    while (position_ < order_.size() && offered_[order_[position_]]) ++position_;
    return position_ < order_.size() ? std::optional(order_[position_]) : std::nullopt;
  }

  std::vector<std::size_t> order_;
  std::shared_ptr<const Landscape> landscape_;
  std::vector<bool> offered_;
  TrialBudget budget_;
  std::size_t starts_;
  std::size_t position_ = 0;
  std::set<std::pair<double, std::size_t>> told_;
};

}  // namespace

std::unique_ptr<Strategy> make_local_search(const StrategyOptions& options) {
  return std::make_unique<LocalSearch>(ranked_order(options), options.landscape, options.max_trials);
}

}  // namespace nsajit::tuner
