#pragma once
// Ladder: races the winner against the baseline over growing lengths and fits the threshold from which the winner is
// served. The lengths differ from the tuned workload only in run-time sizes, so both kernels are the gated ones.

#include <optional>

#include "tuner/search.h"

namespace nsajit::tuner {

// `winner` and `baseline` are trials of `tuning`'s workload. A baseline that did not pass leaves the threshold at -1
// with an empty ladder: not known. nullopt: stopped on the way, nothing stored.
std::optional<cache::ThresholdRecord> climb_ladder(Tuning& tuning, const Tried& winner, const Tried& baseline);

}  // namespace nsajit::tuner
