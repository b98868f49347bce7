// ExpectedSpeedUp: interpolation between the two raced lengths around the asked one.

#include "runtime/expected_speed_up.h"

#include <algorithm>
#include <cmath>

#include "core/assert.h"

namespace nsajit::runtime {
namespace {

using cache::LadderPoint;
using Place = std::vector<LadderPoint>::const_iterator;

double speed_up_of(const LadderPoint& point) { return point.time_us > 0 ? point.baseline_us / point.time_us : 0; }

// The worst of the points that have the length of `place`, which is the first of them.
double worst_at(Place place, Place end) {
  double worst = speed_up_of(*place);
  for (Place next = place; next != end && next->length == place->length; ++next) worst = std::min(worst, speed_up_of(*next));
  return worst;
}

}  // namespace

double expected_speed_up(const std::vector<LadderPoint>& ladder, std::int64_t length) {
  NSAJIT_ASSERT(!ladder.empty(), "a ladder has a length at which both were raced");
  const auto shorter = [](const LadderPoint& point, std::int64_t than) { return point.length < than; };
  const Place above = std::lower_bound(ladder.begin(), ladder.end(), length, shorter);
  if (above == ladder.begin()) return worst_at(above, ladder.end());
  if (above != ladder.end() && above->length == length) return worst_at(above, ladder.end());
  const Place below = std::lower_bound(ladder.begin(), above, std::prev(above)->length, shorter);
  const double at_below = worst_at(below, ladder.end());
  if (above == ladder.end()) return at_below;
  const double at_above = worst_at(above, ladder.end());
  if (at_below <= 0 || at_above <= 0) return 0;
  const auto octaves_from_below = [&](std::int64_t to) {
    return std::log(static_cast<double>(to) / static_cast<double>(below->length));
  };
  return at_below * std::pow(at_above / at_below, octaves_from_below(length) / octaves_from_below(above->length));
}

}  // namespace nsajit::runtime
