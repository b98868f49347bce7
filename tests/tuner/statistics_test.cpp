// Statistics on synthetic noise of known median.

#include "tuner/statistics.h"

#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch_all.hpp>

using nsajit::tuner::find_drift;
using nsajit::tuner::summarize;
using nsajit::tuner::summarize_ratio;
using nsajit::tuner::Summary;

namespace {

// Times as they come: a floor, noise skewed to the right, and now and then a stall of ten times the floor.
std::vector<double> noisy_times(std::mt19937_64& random, std::size_t count) {
  std::exponential_distribution<double> noise(1.0);
  std::bernoulli_distribution stall(0.03);
  std::vector<double> samples;
  for (std::size_t i = 0; i < count; ++i) samples.push_back(100 + noise(random) + (stall(random) ? 1000 : 0));
  return samples;
}

// Median of the noise above: floor + the exponential's quantile at 0.5 / 0.97.
double true_median() { return 100 - std::log(1 - 0.5 / 0.97); }

double share_of_intervals_that_hold_the_median(std::size_t samples) {
  std::mt19937_64 random(11);
  int held = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Summary summary = summarize(noisy_times(random, samples));
    if (summary.low <= true_median() && true_median() <= summary.high) ++held;
  }
  return static_cast<double>(held) / kTrials;
}

}  // namespace

TEST_CASE("the median of an odd number of samples is the middle one") {
  const Summary summary = summarize(std::vector<double>{9, 1, 5});
  CHECK(summary.median == 5);
  CHECK(summary.samples == 3);
}

TEST_CASE("the median of an even number of samples lies between the middle two") {
  CHECK(summarize(std::vector<double>{4, 1, 3, 2}).median == 2.5);
}

TEST_CASE("one sample is its own interval") {
  const Summary summary = summarize(std::vector<double>{7});
  CHECK(summary.low == 7);
  CHECK(summary.high == 7);
}

TEST_CASE("fewer than six samples give the whole range") {
  const Summary summary = summarize(std::vector<double>{5, 1, 2, 3, 4});
  CHECK(summary.low == 1);
  CHECK(summary.high == 5);
}

TEST_CASE("the interval's ranks are those of the binomial table") {
  // n = 15: 4th and 12th. n = 25: 8th and 18th (Conover, table A3).
  std::vector<double> samples;
  for (int i = 1; i <= 15; ++i) samples.push_back(i);
  CHECK(summarize(samples).low == 4);
  CHECK(summarize(samples).high == 12);
  for (int i = 16; i <= 25; ++i) samples.push_back(i);
  CHECK(summarize(samples).low == 8);
  CHECK(summarize(samples).high == 18);
}

TEST_CASE("the interval holds the median at least 95 times in 100") {
  const std::size_t samples = GENERATE(7u, 15u, 25u, 60u);
  CHECK(share_of_intervals_that_hold_the_median(samples) >= 0.945);
}

TEST_CASE("stalls do not move the median") {
  std::mt19937_64 random(3);
  const Summary summary = summarize(noisy_times(random, 101));
  CHECK_THAT(summary.median, Catch::Matchers::WithinAbs(true_median(), 0.5));
  CHECK(summary.high < 105);
}

TEST_CASE("thousands of samples do not underflow the interval") {
  std::mt19937_64 random(5);
  const Summary summary = summarize(noisy_times(random, 5000));
  CHECK(summary.low < summary.median);
  CHECK(summary.high - summary.low < 0.2);
}

TEST_CASE("a ratio within rounds keeps a small difference that the device's own changes hide") {
  std::mt19937_64 random(21);
  std::uniform_real_distribution<double> speed(1.0, 1.5);  // of the device, another in each round
  std::vector<double> a, b;
  for (int round = 0; round < 25; ++round) {
    const double now = speed(random);
    a.push_back(103 * now);
    b.push_back(100 * now);
  }
  CHECK_THAT(summarize_ratio(a, b).low, Catch::Matchers::WithinAbs(1.03, 1e-9));
  CHECK(summarize(a).low < summarize(b).high);
}

TEST_CASE("a steady rise is a drift of its size, whatever the stalls") {
  std::mt19937_64 random(4);
  auto samples = noisy_times(random, 40);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] *= 1 + 0.1 * static_cast<double>(i) / 39;
  const auto drift = find_drift(samples);
  CHECK(drift.significant);
  CHECK_THAT(drift.change, Catch::Matchers::WithinAbs(0.1, 0.03));
}

TEST_CASE("noise without a trend is called a drift in fewer than 1 of 100 series") {
  const std::size_t samples = GENERATE(7u, 25u, 60u);
  std::mt19937_64 random(8);
  int found = 0;
  for (int trial = 0; trial < 2000; ++trial) found += find_drift(noisy_times(random, samples)).significant ? 1 : 0;
  CHECK(found < 20);
}

TEST_CASE("thousands of samples are a drift too") {
  std::vector<double> samples;
  for (int i = 0; i < 5000; ++i) samples.push_back(100 - 0.002 * i);
  CHECK(find_drift(samples).significant);
  CHECK_THAT(find_drift(samples).change, Catch::Matchers::WithinAbs(-0.105, 0.002));
}

TEST_CASE("equal samples, and too few, do not drift") {
  CHECK_FALSE(find_drift(std::vector<double>(30, 5.0)).significant);
  CHECK_FALSE(find_drift(std::vector<double>{1, 2}).significant);
}
