#pragma once
// Learned search: always the candidate that may be the cheapest by what was learned so far (LearnedCost), the less is
// known of its parts the sooner. Ends with the budget, or when nothing left can win.

#include <memory>

namespace nsajit::tuner {

class Strategy;
struct StrategyOptions;

std::unique_ptr<Strategy> make_learned_search(const StrategyOptions& options);

}  // namespace nsajit::tuner
