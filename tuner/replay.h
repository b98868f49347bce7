#pragma once
// Replay: runs a strategy over a recorded space as the tuner would, without a kernel: costs are the recorded times with
// noise of the recorded size, finalists are raced, the winner is chosen by the tuner's rule. Pure; >= 1e5 trials a second.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tuner/recorded_space.h"
#include "tuner/strategy.h"

namespace nsajit::tuner {

// A space made ready once for many replays.
struct ReplaySpace {
  RecordedSpace recorded;
  std::shared_ptr<const Landscape> landscape;
  std::shared_ptr<const CostPrior> prior;  // taught by the other spaces of its operation and device
  double best_us = 0;
};

// `expected`: per trial, what a model says of it, 0: nothing; or empty. Requires: a trial that passed.
ReplaySpace make_replay_space(RecordedSpace recorded, std::vector<double> expected);

// Gives each space what other tuples of the same device and operation teach: as if its own had never been tuned at any
// size or overlap.
void teach_spaces(std::vector<ReplaySpace>& spaces);

struct ReplayOptions {
  std::string strategy = "exhaustive";
  std::size_t trials = 0;  // 0: no limit
  std::uint64_t seed = 1;
  std::size_t ahead = 1;  // offers under way at once, as compile threads keep them
  int finalists = 3;
};

struct ReplayOutcome {
  std::size_t trials = 0;     // different candidates timed or rejected
  std::int64_t samples = 0;   // runs of a kernel before the final race
  double regret = 0;          // recorded time of the winner over the space's best - 1
  double default_regret = 0;  // the same of the default
};

ReplayOutcome replay(const ReplaySpace& space, const ReplayOptions& options);

}  // namespace nsajit::tuner
