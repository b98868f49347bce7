#pragma once
// Ladder: races the winner against the baseline over growing lengths and fits the threshold from which the winner is
// served. The lengths differ from the tuned workload only in run-time sizes, so both kernels are the gated ones.

#include <optional>

#include "tuner/search.h"

namespace nsajit::tuner {

// `winner` and `baseline` are measured trials of `tuning`'s workload. nullopt: stopped on the way.
std::optional<cache::ThresholdRecord> climb_ladder(Tuning& tuning, const Tried& winner, const Tried& baseline);

// -1 over an empty ladder, for a baseline that did not pass: there is nothing to compare with. For the report only; not
// to be stored, or the dispatcher would serve that very baseline.
cache::ThresholdRecord make_unknown_threshold(const Tuning& tuning);

}  // namespace nsajit::tuner
