// Final race: the choice among finalists is stable against noise.

#include "tuner/final_race.h"

#include <functional>
#include <random>

#include <catch2/catch_all.hpp>

#include "tests/tuner/host_device.h"
#include "tuner/measure.h"

using nsajit::testing::HostDevice;
using nsajit::testing::HostKernel;
using nsajit::tuner::choose_winner;
using nsajit::tuner::Finalist;
using nsajit::tuner::wants_more_rounds;

namespace {

// A machine whose times are a kernel's own, times the state of the device, times noise that is skewed to the right.
class NoisyMachine {
 public:
  explicit NoisyMachine(std::uint64_t seed) : random_(seed) {}

  double noise = 0.01;
  std::function<double(int sample)> state = [](int) { return 1.0; };

  // Races kernels of these times as the tuner does. The first is the default; texts are in order.
  std::vector<Finalist> race(const std::vector<double>& times) {
    std::vector<HostKernel> kernels(times.size(), HostKernel([](std::span<const std::byte>) {}));
    std::vector<nsajit::tuner::Contender> contenders;
    for (const HostKernel& kernel : kernels) contenders.push_back({.kernel = &kernel});
    HostDevice device;
    device.clock = [&](const nsajit::runtime::Kernel& kernel) {
      const auto index = static_cast<std::size_t>(static_cast<const HostKernel*>(&kernel) - kernels.data());
      return times[index] * state(samples_++) * (1 + noise * std::exponential_distribution<double>()(random_));
    };
    const auto timings = measure_interleaved(device, contenders, {.warmup = 2, .rounds = 25});
    std::vector<Finalist> finalists;
    for (std::size_t i = 0; i < timings.size(); ++i)
      finalists.push_back({timings[i].summary, i == 0, std::string(1, static_cast<char>('a' + i)), timings[i].samples_us});
    return finalists;
  }

 private:
  std::mt19937_64 random_;
  int samples_ = 0;
};

// In how many of 400 races over fresh machines the expected one wins.
int count_wins(std::size_t expected, const std::vector<double>& times, double noise, const std::function<double(int)>& state) {
  int wins = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    NoisyMachine machine(seed);
    machine.noise = noise;
    machine.state = state;
    wins += choose_winner(machine.race(times)) == expected ? 1 : 0;
  }
  return wins;
}

double steady(int) { return 1.0; }
double rising(int sample) { return 1 + 0.004 * sample; }                  // + 30 % over a race of three
double stepping(int sample) { return sample / 20 % 2 == 0 ? 1.0 : 1.3; }  // a clock that changes every few rounds

}  // namespace

TEST_CASE("a kernel raced against itself ties in at least 95 of 100 races") {
  const double noise = GENERATE(0.002, 0.01, 0.05);
  CHECK(count_wins(0, {100, 100}, noise, steady) >= 380);
  CHECK(count_wins(0, {100, 100, 100}, noise, rising) >= 380);
}

TEST_CASE("a device that drifts or changes its clock does not flip the winner") {
  CHECK(count_wins(1, {100, 96, 99}, 0.01, steady) == 400);
  CHECK(count_wins(1, {100, 96, 99}, 0.01, rising) >= 396);
  CHECK(count_wins(1, {100, 96, 99}, 0.01, stepping) >= 396);
}

TEST_CASE("more rounds are wanted only where they could decide") {
  std::vector<double> wide, narrow(25, 100.0), slower(25, 105.0);
  for (int i = 0; i < 25; ++i) wide.push_back(i % 2 == 0 ? 95.0 : 110.0);
  const auto finalist = [](const std::vector<double>& samples) {
    return Finalist{nsajit::tuner::summarize(samples), false, "a", samples};
  };
  CHECK(wants_more_rounds(std::vector{finalist(narrow), finalist(std::vector<double>(25, 100.2))}) == false);
  CHECK(wants_more_rounds(std::vector{finalist(narrow), finalist(slower)}) == false);
  wide[0] = 110.0;  // 13 of 25 rounds slower: a median of 1.1 whose interval holds 0.95
  CHECK(wants_more_rounds(std::vector{finalist(narrow), finalist(wide)}));
}

TEST_CASE("a clear lead wins whatever the order") {
  const std::vector<Finalist> finalists{{{.median = 100, .low = 99, .high = 101}, true, "a"},
                                        {{.median = 80, .low = 79, .high = 81}, false, "z"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("overlapping intervals are a tie that the default takes") {
  const std::vector<Finalist> finalists{{{.median = 95, .low = 85, .high = 105}, false, "a"},
                                        {{.median = 100, .low = 92, .high = 108}, true, "z"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("medians within one percent are a tie though their intervals are apart") {
  const std::vector<Finalist> finalists{{{.median = 100.0, .low = 99.9, .high = 100.1}, false, "b"},
                                        {{.median = 100.9, .low = 100.8, .high = 101.0}, false, "a"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("just over one percent apart is no tie") {
  const std::vector<Finalist> finalists{{{.median = 100.0, .low = 99.9, .high = 100.1}, false, "b"},
                                        {{.median = 101.1, .low = 101.0, .high = 101.2}, true, "a"}};
  CHECK(choose_winner(finalists) == 0);
}

TEST_CASE("among ties without the default the first config text wins") {
  const std::vector<Finalist> finalists{{{.median = 100, .low = 90, .high = 110}, false, "c"},
                                        {{.median = 101, .low = 91, .high = 111}, false, "a"},
                                        {{.median = 102, .low = 92, .high = 112}, false, "b"}};
  CHECK(choose_winner(finalists) == 1);
}
