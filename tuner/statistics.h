#pragma once
// Statistics: pure functions over samples of a time, in microseconds. No clocks, no devices.

#include <span>

namespace nsajit::tuner {

struct Summary {
  double median = 0;
  double low = 0;     // distribution-free 95 % interval of the median, from order statistics
  double high = 0;
  int samples = 0;
};

// Requires: `samples` not empty.
Summary summarize(std::span<const double> samples);

}  // namespace nsajit::tuner
