#pragma once
// ExpectedSpeedUp: how many times as fast as packed SDPA a winner is at a length, by the lengths at which both were raced when it
// was tuned. What decides between the two at lengths that nobody measured. A pure function.

#include <cstdint>
#include <vector>

#include "cache/records.h"

namespace nsajit::runtime {

// Between two raced lengths the logarithm of the ratio is a line over the logarithm of the length: both times follow powers of
// the length there. Beyond the longest and the shortest the ratio is that of the nearest. 0 at a length where the winner failed,
// and next to it. Points of one length count as the worst of them.
// Requires: `ladder` is sorted by length and not empty.
double expected_speed_up(const std::vector<cache::LadderPoint>& ladder, std::int64_t length);

}  // namespace nsajit::runtime
