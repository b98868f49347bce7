#pragma once
// Thresholds: the smallest length from which the tuned kernel beats the baseline by a margin, at that and
// at every larger measured length; -1 where it never does. Pure functions.

#include <cstdint>
#include <string>
#include <vector>

namespace nsajit::tuner {

struct LadderPoint {
  std::int64_t length = 0;
  double time_us = 0;
  double baseline_us = 0;
};

inline constexpr double kDefaultMargin = 1.2;

// False for a time that was not taken (0, NaN): what is not known to win does not.
bool wins(const LadderPoint& point, double margin);

std::int64_t fit_threshold(std::vector<LadderPoint> ladder, double margin);
std::string ladder_to_json(const std::vector<LadderPoint>& ladder);

}  // namespace nsajit::tuner
