// Interleaved measurement against a clock that the test writes.

#include "tuner/measure.h"

#include <chrono>
#include <thread>

#include <catch2/catch_all.hpp>

#include "tests/tuner/host_device.h"

namespace {

using namespace nsajit;
using nsajit::testing::HostDevice;
using nsajit::testing::HostKernel;
using tuner::Contender;
using tuner::MeasureOptions;

struct Field {  // contenders 0, 1, 2, ... and the order in which they ran
  explicit Field(int count) {
    for (int i = 0; i < count; ++i) kernels.emplace_back([](std::span<const std::byte>) {});
    for (const HostKernel& kernel : kernels) contenders.push_back({.kernel = &kernel});
  }
  int index_of(const runtime::Kernel& kernel) const {
    return static_cast<int>(static_cast<const HostKernel*>(&kernel) - kernels.data());
  }
  std::vector<HostKernel> kernels;
  std::vector<Contender> contenders;
  std::vector<int> order;
};

}  // namespace

TEST_CASE("every contender gets its rounds and the warm-up is discarded") {
  Field field(3);
  HostDevice device;
  device.clock = [&](const runtime::Kernel& kernel) {
    field.order.push_back(field.index_of(kernel));
    return field.order.size() <= 6 ? 1000.0 : 10.0;  // 2 warm-up rounds of 3
  };
  const auto timings = measure_interleaved(device, field.contenders, {.warmup = 2, .rounds = 5});
  REQUIRE(timings.size() == 3);
  for (const auto& timing : timings) CHECK(timing.samples_us == std::vector<double>(5, 10.0));
  CHECK(timings[0].summary.median == 10);
  CHECK(timings[0].sm_mhz == 1500);
  CHECK(timings[0].memory_mhz == 2600);
}

TEST_CASE("the cache is flushed before every sample") {
  Field field(2);
  HostDevice device;
  int unflushed = 0, seen = 0;
  device.clock = [&](const runtime::Kernel&) {
    if (device.flushes != ++seen) ++unflushed;
    return 1.0;
  };
  measure_interleaved(device, field.contenders, {.warmup = 1, .rounds = 4});
  CHECK(unflushed == 0);
  CHECK(seen == 10);
}

TEST_CASE("each round runs every contender once, from another start") {
  Field field(3);
  HostDevice device;
  device.clock = [&](const runtime::Kernel& kernel) {
    field.order.push_back(field.index_of(kernel));
    return 1.0;
  };
  measure_interleaved(device, field.contenders, {.warmup = 0, .rounds = 6});
  CHECK(field.order == std::vector<int>{0, 1, 2, 2, 1, 0, 1, 2, 0, 1, 0, 2, 2, 0, 1, 0, 2, 1});
}

TEST_CASE("a device that slows down steadily does not change the order of the contenders") {
  Field field(4);
  HostDevice device;
  double drift = 1;
  device.clock = [&](const runtime::Kernel& kernel) {
    drift *= 1.01;  // as much per sample as the contenders differ
    return drift * (field.index_of(kernel) == 2 ? 0.99 : 1.0);
  };
  const auto timings = measure_interleaved(device, field.contenders, {.warmup = 1, .rounds = 40});
  for (const int other : {0, 1, 3}) CHECK(timings[2].summary.median < timings[static_cast<std::size_t>(other)].summary.median);
}

TEST_CASE("rounds go on until each contender has its device time") {
  Field field(2);
  HostDevice device;
  device.clock = [&](const runtime::Kernel& kernel) { return field.index_of(kernel) == 0 ? 10.0 : 40.0; };
  const auto timings = measure_interleaved(device, field.contenders, {.warmup = 0, .rounds = 4, .min_rounds_us = 95});
  CHECK(timings[0].summary.samples == 10);
}

TEST_CASE("the time limit ends the rounds, but not before the third") {
  Field field(1);
  HostDevice device;
  device.clock = [](const runtime::Kernel&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return 1.0;
  };
  CHECK(measure_interleaved(device, field.contenders, {.warmup = 5, .rounds = 500, .max_total_us = 1})[0].summary.samples == 3);
  const int some =
      measure_interleaved(device, field.contenders, {.warmup = 0, .rounds = 500, .max_total_us = 40e3})[0].summary.samples;
  CHECK(some > 3);
  CHECK(some < 25);
}
