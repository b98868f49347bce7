// LocalRunner over the fake device: what each fault of a candidate is recorded as.

#include "tuner/local_runner.h"

#include <catch2/catch_all.hpp>

#include "codegen/kernel_source.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"
#include "tests/tuner/fake_candidates.h"

namespace {

using namespace nsajit;
using cache::TrialStatus;
using nsajit::testing::fake_binary;
using nsajit::testing::fake_config;
using nsajit::testing::fake_workload;
using nsajit::testing::FakeDevice;
using nsajit::testing::Fault;

struct Bench {
  FakeDevice device;
  tuner::LocalRunner runner{device};

  tuner::TrialResult run(Fault fault, bool gate = true) {
    const Config config = fake_config(fault);
    const codegen::Binary binary = fake_binary(config);
    return runner.run(
        {.workload = fake_workload(), .config = config, .binary = &binary, .gate = gate, .measure = {.warmup = 1, .rounds = 5}});
  }
};

}  // namespace

TEST_CASE("a right candidate is gated and measured") {
  Bench bench;
  const auto result = bench.run(Fault::None);
  CHECK(result.status == TrialStatus::Measured);
  CHECK(result.reason.empty());
  CHECK(result.parity.passed);
  CHECK(result.timing.samples_us.size() == 5);
  CHECK(result.timing.summary.median > 0);
  CHECK(result.timing.sm_mhz == 1000);
}

TEST_CASE("a candidate is recorded with the class of its fault") {
  const auto [fault, status] = GENERATE(table<Fault, TrialStatus>({
      {Fault::NanRow, TrialStatus::Parity},
      {Fault::Stale, TrialStatus::Parity},
      {Fault::LastRowMissing, TrialStatus::Parity},
      {Fault::OffByOne, TrialStatus::Parity},
      {Fault::WritesPastEnd, TrialStatus::Parity},
      {Fault::WritesInput, TrialStatus::Parity},
      {Fault::LooksAhead, TrialStatus::Parity},
      {Fault::Unsteady, TrialStatus::Parity},
      {Fault::IllegalAccess, TrialStatus::IllegalAccess},
      {Fault::LaunchRefused, TrialStatus::Resources},
      {Fault::OutOfMemory, TrialStatus::OutOfMemory},
  }));
  Bench bench;
  const auto result = bench.run(fault);
  CHECK(result.status == status);
  CHECK_FALSE(result.reason.empty());
  CHECK(result.timing.samples_us.empty());
}

TEST_CASE("a rejected candidate does not disturb the next one") {
  Bench bench;
  bench.run(Fault::WritesInput);
  bench.run(Fault::LaunchRefused);
  CHECK(bench.run(Fault::None).status == TrialStatus::Measured);
}

TEST_CASE("without the gate a candidate is timed at once") {
  Bench bench;
  const auto result = bench.run(Fault::None, false);
  CHECK(result.status == TrialStatus::Measured);
  CHECK(result.parity.verdicts.empty());
}

TEST_CASE("after a fault that loses the device every candidate is refused with the first one's reason") {
  Bench bench;
  bench.run(Fault::IllegalAccess);
  REQUIRE(bench.runner.device_lost());
  const auto result = bench.run(Fault::None);
  CHECK(result.status == TrialStatus::Crash);
  CHECK(result.reason.find("CUDA_ERROR_ILLEGAL_ADDRESS") != std::string::npos);
}

TEST_CASE("an impossible workload is a result, not an exception") {
  Bench bench;
  const Config config = fake_config(Fault::None);
  const codegen::Binary binary = fake_binary(config);
  Workload workload = fake_workload();
  workload.problem.branch = Branch::Gate;
  CHECK(bench.runner.run({.workload = workload, .config = config, .binary = &binary}).status == TrialStatus::Crash);
}

TEST_CASE("a race times every entry, loads a shared binary once and lays a fault at its own door") {
  Bench bench;
  const codegen::Binary good = fake_binary(fake_config(Fault::None));
  const codegen::Binary bad = fake_binary(fake_config(Fault::LaunchRefused));
  const std::vector<tuner::RaceEntry> entries{
      {fake_config(Fault::None), &good}, {fake_config(Fault::LaunchRefused), &bad}, {fake_config(Fault::None), &good}};
  const auto race = bench.runner.race(fake_workload(), entries, {.warmup = 1, .rounds = 4});
  REQUIRE(race.entries.size() == 3);
  CHECK(race.entries[0].status == TrialStatus::Measured);
  CHECK(race.entries[0].timing.samples_us.size() == 4);
  CHECK(race.entries[1].status == TrialStatus::Resources);
  CHECK(race.entries[2].status == TrialStatus::Measured);
  CHECK(bench.device.state->loads == 2);
}

TEST_CASE("a race in which the device is lost measures nobody") {
  Bench bench;
  const codegen::Binary good = fake_binary(fake_config(Fault::None));
  const codegen::Binary bad = fake_binary(fake_config(Fault::IllegalAccess));
  const std::vector<tuner::RaceEntry> entries{{fake_config(Fault::None), &good}, {fake_config(Fault::IllegalAccess), &bad}};
  const auto race = bench.runner.race(fake_workload(), entries, {.warmup = 1, .rounds = 4});
  CHECK(race.entries[0].status == TrialStatus::Crash);
  CHECK(race.entries[1].status == TrialStatus::IllegalAccess);
}
