// Successive halving with a factor of three. A round of elimination begins when the one before is told to the last.

#include "tuner/halving.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tuner/strategy.h"

namespace nsajit::tuner {
namespace {

constexpr int kFirstRounds = 3;
constexpr std::size_t kFactor = 3;
constexpr std::size_t kFinalists = 3;  // what the final race takes anyway

class Halving final : public Strategy {
 public:
  explicit Halving(std::vector<std::size_t> order) : entrants_(std::move(order)) {}

  std::optional<Offer> next() override {
    if (position_ == entrants_.size() && !promote()) return std::nullopt;
    return Offer{.candidate = entrants_[position_++], .rounds = rounds_};
  }

  void tell(std::size_t candidate, std::optional<double> cost) override {
    ++told_;
    if (cost) passed_.emplace_back(*cost, candidate);
  }

 private:
  // The next elimination's entrants; false: some of this one's are not told, or no elimination is left.
  bool promote() {
    if (told_ < entrants_.size() || passed_.size() <= kFinalists) return false;
    std::sort(passed_.begin(), passed_.end());
    passed_.resize(std::max(kFinalists, (passed_.size() + kFactor - 1) / kFactor));
    entrants_.clear();
    for (const auto& [cost, candidate] : passed_) entrants_.push_back(candidate);
    passed_.clear();
    position_ = told_ = 0;
    rounds_ *= static_cast<int>(kFactor);
    return true;
  }

  std::vector<std::size_t> entrants_;
  std::vector<std::pair<double, std::size_t>> passed_;
  std::size_t position_ = 0;
  std::size_t told_ = 0;
  int rounds_ = kFirstRounds;
};

}  // namespace

std::unique_ptr<Strategy> make_halving(const StrategyOptions& options) {
  std::vector<std::size_t> entrants = ranked_order(options);
  if (options.max_trials != 0) entrants.resize(std::min(options.max_trials, entrants.size()));
  return std::make_unique<Halving>(std::move(entrants));
}

}  // namespace nsajit::tuner
