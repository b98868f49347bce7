// Ladder: which lengths are raced, how long, and what they decide.

#include "tuner/ladder.h"

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "cache/record_json.h"
#include "tests/tuner/tuned_process.h"

namespace {

using namespace nsajit;
using nsajit::testing::FakeOp;
using nsajit::testing::TemporaryFolder;
using Process = nsajit::testing::TunedProcess;

// Of FakeOp: the length that a launch is for.
int length_of(const LaunchPlan& plan) { return static_cast<int>(plan.steps[0].smem_bytes); }

// Times in which packed SDPA takes `ratio(length)` times as long.
auto model_of(std::function<double(int)> ratio) {
  return [ratio](const Config& config, const LaunchPlan& plan) {
    return config.variant == "packed_sdpa" ? 10 * ratio(length_of(plan)) : 10.0;
  };
}

std::vector<std::int64_t> lengths_of(const cache::ThresholdRecord& threshold) {
  std::vector<std::int64_t> lengths;
  const auto ladder = cache::find_ladder(threshold.ladder_json).value();
  for (const auto& point : ladder) lengths.push_back(point.length);
  return lengths;
}

}  // namespace

TEST_CASE("the threshold is the length from which the winner beats the baseline by the margin") {
  const TemporaryFolder folder;
  Process process(folder);
  const auto report = process.tune();
  CHECK(report.threshold.name == "NSA_SEL_TRITON_MIN_L");
  // fake_time_us at 256 rows: 36.2 against 36.6 us at 256 tokens, 62.4 against 43.1 at 512.
  CHECK(report.threshold.value > 256);
  CHECK(report.threshold.value <= 512);
}

TEST_CASE("between the last length that loses and the first that wins the threshold is found to an eighth") {
  const int first_winning = GENERATE(1, 64, 65, 330, 513, 900, 1024, 2000);
  INFO(first_winning);
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = [&](const Config& config, const LaunchPlan& plan) {
    const bool long_enough = static_cast<int>(plan.steps[0].smem_bytes) >= first_winning;  // of FakeOp: the length
    return config.variant == "packed_sdpa" ? 15.0 : long_enough ? 10.0 : 14.0;
  };
  const auto threshold = process.tune().threshold;
  if (first_winning > 1024) {  // n_sel blocks of 64 tokens are the longest row
    CHECK(threshold.value == -1);
  } else {
    CHECK(threshold.value >= first_winning);
    CHECK(static_cast<double>(threshold.value) <= std::max(64.0, 64 + first_winning * 1.125));  // whole blocks
  }
}

TEST_CASE("the length from which the winner is the faster one is found to an eighth, whatever the margin") {
  const int first_faster = GENERATE(65, 330, 513, 900);
  INFO(first_faster);
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = [&](const Config& config, const LaunchPlan& plan) {
    const bool long_enough = static_cast<int>(plan.steps[0].smem_bytes) >= first_faster;  // of FakeOp: the length
    return config.variant == "packed_sdpa" ? 15.0 : long_enough ? 14.0 : 16.0;
  };
  const auto threshold = process.tune().threshold;
  CHECK(threshold.value == -1);  // never by a fifth
  std::int64_t shortest_win = 1 << 20, longest_loss = 0;
  const auto ladder = cache::find_ladder(threshold.ladder_json).value();
  for (const auto& point : ladder) {
    if (point.time_us < point.baseline_us) shortest_win = std::min(shortest_win, point.length);
    if (point.time_us > point.baseline_us) longest_loss = std::max(longest_loss, point.length);
  }
  CHECK(longest_loss < first_faster);
  CHECK(first_faster <= shortest_win);
  CHECK(static_cast<double>(shortest_win) <= 64 + static_cast<double>(longest_loss) * 1.125);  // whole blocks
}

TEST_CASE("a length at which the winner fails stays in the ladder without a time, and the shorter ones go") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.failing_smem_bytes = 256;  // of FakeOp: the length
  const auto ladder = *cache::find_ladder(process.tune().threshold.ladder_json);
  REQUIRE(!ladder.empty());
  CHECK(ladder.front().length >= 256);
  CHECK(ladder.front().time_us == 0);
}

TEST_CASE("where the winner is far ahead at both ends the lengths between are not raced, and the longest is known") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([](int length) { return length < 512 ? 8.0 : 20.0; });
  const auto threshold = process.tune().threshold;
  CHECK(threshold.value == 64);
  CHECK(lengths_of(threshold) == std::vector<std::int64_t>{64, 1024});
  CHECK(process.runner.race_rounds == std::vector<int>{25, 3});  // the final race, whose workload is the longest; 64
}

TEST_CASE("the same holds where packed SDPA is far ahead") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([](int) { return 0.2; });
  const auto threshold = process.tune().threshold;
  CHECK(threshold.value == -1);
  CHECK(lengths_of(threshold) == std::vector<std::int64_t>{64, 1024});
}

TEST_CASE("a far lead at one end alone leaves the lengths between open") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([](int length) { return length < 128 ? 0.5 : length < 512 ? 1.8 : 20.0; });
  CHECK(lengths_of(process.tune().threshold) == std::vector<std::int64_t>{64, 128, 256, 512, 1024});
}

TEST_CASE("what lies between a length that is far ahead and one that is not is raced") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([](int length) { return length == 64 ? 2.0 : 20.0; });
  CHECK(lengths_of(process.tune().threshold) == std::vector<std::int64_t>{64, 128, 256, 1024});
}

TEST_CASE("a race is long only where a short one leaves open who wins, or whether by the margin") {
  const double ratio = GENERATE(0.5, 0.9, 1.1, 1.4, 1.6);
  INFO(ratio);
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([ratio](int length) { return length == 64 ? ratio : 20.0; });
  process.tune();
  const auto& rounds = process.runner.race_rounds;
  REQUIRE(rounds.size() > 2);
  CHECK(rounds[1] == 3);
  const bool open = ratio > 0.8 && ratio < 1.5;
  CHECK((rounds[2] == 25) == open);
}

TEST_CASE("a ladder may grow by all lengths that are looked for, around the faster one and around the margin") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.model = model_of([](int length) { return length < 200 ? 0.98 : length < 900 ? 1.1 : 2.4; });
  const auto lengths = lengths_of(process.tune().threshold);
  CHECK(std::is_sorted(lengths.begin(), lengths.end()));
  CHECK(lengths.size() >= 9);  // of five rungs
}
