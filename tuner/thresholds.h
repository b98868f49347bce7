#pragma once
// Thresholds: the smallest length from which the tuned kernel beats the baseline by a margin, at that and
// at every larger measured length; -1 where it never does. Pure functions.

#include <cstdint>
#include <vector>

#include "cache/records.h"

namespace nsajit::tuner {

inline constexpr double kDefaultMargin = 1.2;

// False for a time that was not taken (0, NaN): what is not known to win does not.
bool wins(const cache::LadderPoint& point, double margin);

std::int64_t fit_threshold(std::vector<cache::LadderPoint> ladder, double margin);

}  // namespace nsajit::tuner
