// Fits a threshold from the longest measured length downwards: the first length that loses ends it.

#include "tuner/thresholds.h"

#include <algorithm>

namespace nsajit::tuner {
bool wins(const cache::LadderPoint& point, double margin) {
  return point.time_us > 0 && point.baseline_us >= margin * point.time_us;
}

std::int64_t fit_threshold(std::vector<cache::LadderPoint> ladder, double margin) {
  std::sort(ladder.begin(), ladder.end(), [](const auto& a, const auto& b) { return a.length > b.length; });
  std::int64_t threshold = -1;
  // Points of one length (two workloads may count the same) stand or fall together.
  for (auto begin = ladder.begin(); begin != ladder.end();) {
    const auto end = std::find_if(begin, ladder.end(), [&](const auto& point) { return point.length != begin->length; });
    if (!std::all_of(begin, end, [&](const auto& point) { return wins(point, margin); })) break;
    threshold = begin->length;
    begin = end;
  }
  return threshold;
}

}  // namespace nsajit::tuner
