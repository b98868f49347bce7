#pragma once
// Statistics: pure functions over samples of a time, in microseconds. No clocks, no devices.

#include <span>

namespace nsajit::tuner {

struct Summary {
  double median = 0;
  double low = 0;  // distribution-free 95 % interval of the median, from order statistics
  double high = 0;
  int samples = 0;
};

// Requires: `samples` not empty.
Summary summarize(std::span<const double> samples);

// Of the ratios a[i] / b[i], where a[i] and b[i] were taken in one round. Requires: as many of each, at least one.
Summary summarize_ratio(std::span<const double> a, std::span<const double> b);

// Whether samples, in the order in which they were taken, rise or fall.
struct Drift {
  double change = 0;         // from the first to the last, as a share of the median: 0.03 = 3 % slower at the end
  bool significant = false;  // a trend that chance gives to 3 series in 1000
};

Drift find_drift(std::span<const double> samples);

}  // namespace nsajit::tuner
