#pragma once
// Halving: many candidates of the model's order get a few samples each, the best third of them three times as many,
// and so on until a handful is left. For spaces where a sample is dear and a kernel cheap.

#include <memory>

namespace nsajit::tuner {

class Strategy;
struct StrategyOptions;

std::unique_ptr<Strategy> make_halving(const StrategyOptions& options);

}  // namespace nsajit::tuner
