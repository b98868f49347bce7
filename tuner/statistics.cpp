// Why the median and an interval from order statistics: times of a kernel are skewed to the right (a clock
// step, an interrupt, another process), so a mean follows the accidents and a minimum follows one lucky
// sample. The median ignores both tails, and the interval between two order statistics holds it with a known
// probability whatever the distribution is: no normality, no variance, no resampling.

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

}  // namespace nsajit::tuner
