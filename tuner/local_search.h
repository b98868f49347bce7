#pragma once
// Local search: the first of the model's order, then one step at a time from the best that was found; where all steps
// from it are done, from the next best. Ends with the budget, or when every candidate was offered.

#include <memory>

namespace nsajit::tuner {

class Strategy;
struct StrategyOptions;

std::unique_ptr<Strategy> make_local_search(const StrategyOptions& options);

}  // namespace nsajit::tuner
