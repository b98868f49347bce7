// Why the median and an interval from order statistics: times of a kernel are skewed to the right (a clock
// step, an interrupt, another process), so a mean follows the accidents and a minimum follows one lucky
// sample. The median ignores both tails, and the interval between two order statistics holds it with a known
// probability whatever the distribution is: no normality, no variance, no resampling.
//
// Why ratios within a round: whatever slows the device down for longer than a round (a clock step, heat, a
// neighbour) slows both samples of a pair and leaves their ratio. A comparison of two medians would keep it.
//
// Why Mann-Kendall for drift: it counts which of two samples is larger, never by how much, so that one stall is one
// sample; its variance is known for any distribution without a trend. The size is Sen's: the median of the slopes.

#include "tuner/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/assert.h"

namespace nsajit::tuner {
namespace {

// The number of samples below the true median is Binomial(n, 1/2). The interval leaves out `rank` samples on
// each side: the largest rank for which P(at most rank below) stays within 2.5 %. Fewer than 6 samples give
// rank 0: the whole range, which then holds the median with less than 95 %.
std::size_t trimmed_rank(std::size_t count) {
  const double log_half_power = -static_cast<double>(count) * std::log(2.0);
  double log_choose = 0;  // log C(count, k): 2^-count alone underflows beyond 1074 samples
  double below = 0;
  for (std::size_t k = 0; k < count; ++k) {
    below += std::exp(log_choose + log_half_power);
    if (below > 0.025) return k == 0 ? 0 : k - 1;
    log_choose += std::log(static_cast<double>(count - k)) - std::log(static_cast<double>(k + 1));
  }
  return 0;
}

double median_of(std::vector<double> values) {
  const std::size_t count = values.size();
  std::sort(values.begin(), values.end());
  return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

// Pairs of the trend test grow with the square: more samples than this are averaged into as many groups.
constexpr std::size_t kMostTrendPoints = 200;

std::vector<double> thin_out(std::span<const double> samples) {
  const std::size_t group = (samples.size() + kMostTrendPoints - 1) / kMostTrendPoints;
  std::vector<double> points;
  for (std::size_t begin = 0; begin + group <= samples.size(); begin += group) {
    const auto part = samples.subspan(begin, group);
    points.push_back(median_of({part.begin(), part.end()}));
  }
  return points;
}

// Standard normal value beyond which 0.27 % of series without a trend lie. Below 7 samples none reaches it.
constexpr double kTrendLimit = 3.0;

}  // namespace

Summary summarize(std::span<const double> samples) {
  NSAJIT_ASSERT(!samples.empty(), "a summary needs samples");
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t count = sorted.size();
  const std::size_t rank = trimmed_rank(count);
  return Summary{.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
                 .low = sorted[rank],
                 .high = sorted[count - 1 - rank],
                 .samples = static_cast<int>(count)};
}

Summary summarize_ratio(std::span<const double> a, std::span<const double> b) {
  NSAJIT_ASSERT(a.size() == b.size(), "paired samples come in pairs");
  std::vector<double> ratios(a.size());
  std::transform(a.begin(), a.end(), b.begin(), ratios.begin(), [](double x, double y) { return x / y; });
  return summarize(ratios);
}

Drift find_drift(std::span<const double> samples) {
  if (samples.size() < 3) return {};
  const std::vector<double> points = thin_out(samples);
  const std::size_t count = points.size();
  std::vector<double> slopes;
  slopes.reserve(count * (count - 1) / 2);
  double score = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      score += static_cast<double>(points[j] > points[i]) - static_cast<double>(points[j] < points[i]);
      slopes.push_back((points[j] - points[i]) / static_cast<double>(j - i));
    }
  }
  const auto n = static_cast<double>(count);
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  const double continuity = score > 0 ? 1 : score < 0 ? -1 : 0;
  const double middle = median_of(points);
  return {.change = middle > 0 ? median_of(std::move(slopes)) * (n - 1) / middle : 0,
          .significant = std::abs(score - continuity) > kTrendLimit * deviation};
}

}  // namespace nsajit::tuner
