// Recorded spaces as text, and searches over them.

#include "tuner/replay.h"

#include <set>
#include <sstream>

#include <catch2/catch_all.hpp>

#include "tests/tuner/grids.h"

using nsajit::testing::make_grid;
using nsajit::tuner::make_replay_space;
using nsajit::tuner::read_spaces;
using nsajit::tuner::RecordedSpace;
using nsajit::tuner::replay;
using nsajit::tuner::write_spaces;

namespace {

constexpr const char* kWorkload =
    "selection,forward,fp32,dk=32,dv=32,l=32,d=16,l_sel=64,n_sel=8,w=256,group=4,grouped,ranges;B=1,S=64,S_kv=64,G=1,n=1,overlap="
    "0";

// 16 configs, of which one fails and tile=64, warps=8 is the best at 40 us.
RecordedSpace sixteen(double noise) {
  RecordedSpace space{.device = "cpu;name=test", .workload = kWorkload, .complete = true};
  for (const auto& config : make_grid("a", {{"tile", {8, 16, 32, 64}}, {"warps", {1, 2, 4, 8}}})) {
    const double time = 100 - 0.75 * config.at("tile") - 1.5 * config.at("warps");
    space.trials.push_back({.config = config,
                            .passed = config.at("tile") != 32 || config.at("warps") != 1,
                            .time_us = time,
                            .low_us = time * (1 - noise),
                            .high_us = time * (1 + noise),
                            .samples = 7});
  }
  return space;
}

std::string refusal(const std::string& text) {
  std::istringstream in(text);
  try {
    read_spaces(in, "x.txt");
  } catch (const std::exception& error) { return error.what(); }
  return "";
}

}  // namespace

TEST_CASE("spaces written as text are read back") {
  std::stringstream text;
  write_spaces(text, {sixteen(0.01), sixteen(0.02)});
  const auto read = read_spaces(text, "x.txt");
  REQUIRE(read.size() == 2);
  CHECK(read[1].device == "cpu;name=test");
  CHECK(read[1].workload == kWorkload);
  CHECK(read[1].complete);
  REQUIRE(read[0].trials.size() == 16);
  CHECK(read[0].trials[15].config == sixteen(0).trials[15].config);
  CHECK(read[0].trials[15].time_us == 40);
  CHECK_FALSE(read[0].trials[8].passed);
  CHECK(read[0].trials[9].samples == 7);
}

TEST_CASE("a text that is wrong is refused with its line") {
  CHECK_THAT(refusal("hello\n"), Catch::Matchers::Contains("x.txt, line 1: the first line is to be 'nsajit-spaces 1'"));
  CHECK_THAT(refusal(""), Catch::Matchers::Contains("it is empty"));
  CHECK_THAT(refusal("nsajit-spaces 1\ncomplete x\n"), Catch::Matchers::Contains("line 2: a workload stands before any device"));
  CHECK_THAT(refusal("nsajit-spaces 1\ndevice d\na{t=1} 3 3 3 3\n"), Catch::Matchers::Contains("line 3: a trial stands before"));
  const std::string head = std::string("nsajit-spaces 1\ndevice d\nsample ") + kWorkload + "\n";
  CHECK_THAT(refusal(head + "a{t=1} 3 3\n"), Catch::Matchers::Contains("line 4: a trial is '<config> <us>"));
  CHECK_THAT(refusal(head + "a{t=1} -3 3 3 3\n"), Catch::Matchers::Contains("a time is to be a positive number, not '-3'"));
  CHECK_THAT(refusal(head + "a{t= 3 3 3 3\n"), Catch::Matchers::Contains("line 4"));
  CHECK_THAT(refusal("nsajit-spaces 1\ndevice d\nsample nonsense\n"), Catch::Matchers::Contains("line 3"));
}

TEST_CASE("an exhaustive replay without noise finds the best") {
  const auto space = make_replay_space(sixteen(0.001), {});
  const auto outcome = replay(space, {.strategy = "exhaustive"});
  CHECK(outcome.trials == 16);
  CHECK(outcome.samples == 15 * 7);
  CHECK(outcome.regret == 0);
  CHECK(outcome.default_regret == (100 - 6 - 1.5) / 40 - 1);
}

TEST_CASE("a budget bounds the configs, not the samples that halving gives them") {
  const auto space = make_replay_space(sixteen(0.001), {});
  const auto outcome = replay(space, {.strategy = "halving", .trials = 9, .ahead = 4});
  CHECK(outcome.trials == 9);
  CHECK(outcome.samples > 9 * 3);
}

TEST_CASE("the same seed gives the same search, another gives other noise") {
  const auto space = make_replay_space(sixteen(0.3), {});
  const auto run = [&](std::uint64_t seed) { return replay(space, {.strategy = "random", .trials = 5, .seed = seed}).regret; };
  CHECK(run(3) == run(3));
  std::set<double> regrets;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) regrets.insert(run(seed));
  CHECK(regrets.size() > 3);
}

TEST_CASE("a space is taught by other tuples of its device and branch, never by itself") {
  auto other = sixteen(0.01);
  other.workload.replace(other.workload.find("dk=32"), 5, "dk=64");
  auto stranger = other;
  stranger.device = "cpu;name=another";
  std::vector<nsajit::tuner::ReplaySpace> spaces;
  for (const auto& recorded : {sixteen(0.01), other, stranger}) spaces.push_back(make_replay_space(recorded, {}));
  teach_spaces(spaces);
  CHECK_FALSE(spaces[0].prior->empty());
  CHECK(spaces[2].prior->empty());
}
