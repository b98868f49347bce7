#pragma once
// Engine: tunes one Workload. Candidates -> compile -> gate -> time -> final race -> winner -> threshold, with
// every outcome stored as it becomes known. The story of the tuner in one function.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "codegen/compiler.h"
#include "nsajit/op.h"
#include "tuner/compile_queue.h"
#include "tuner/thresholds.h"
#include "tuner/trial_runner.h"

namespace nsajit::tuner {

struct TuneOptions {
  std::string strategy = "exhaustive";
  std::int64_t max_trials = 0;  // that are timed; 0 = all
  double budget_s = 0;          // 0 = none; wall time of this workload's search
  std::uint64_t seed = 1;
  double margin = kDefaultMargin;
  int finalists = 3;
  MeasureOptions screening{.warmup = 1, .rounds = 7};
  MeasureOptions final_race{.warmup = 2, .rounds = 25};
  bool fresh = false;  // measure anew: stored trials and decisions are not used, stored code is
};

struct PhaseTimes {
  double compile_s = 0, parity_s = 0, measure_s = 0, final_s = 0, threshold_s = 0, total_s = 0;
};

struct TuneCounts {
  std::int64_t candidates = 0;  // valid configs of the space
  std::int64_t compiled = 0;    // this run
  std::int64_t measured = 0;    // this run
  std::int64_t reused = 0;      // trials found in the cache
  std::int64_t rejected = 0;    // by any class, this run or earlier
};

struct Progress {  // for a progress line: after every step
  std::int64_t done = 0, total = 0;
  std::string phase;  // "tuning", "final", "threshold"
  double best_us = 0;
};

struct TuneReport {
  cache::WinnerRecord winner;  // winner.trial == 0: none passed
  cache::TrialRecord winner_trial;
  cache::ThresholdRecord threshold;
  TuneCounts counts;
  PhaseTimes phases;
  bool from_cache = false;  // nothing was compiled or measured
  bool interrupted = false;
};

struct NextTuning {
  const Op* op = nullptr;
  const Workload* workload = nullptr;  // nullptr: none, or not known yet
};

struct Engine {
  const Op& op;
  codegen::Compiler& compiler;
  TrialRunner& runner;
  cache::Cache& cache;
  CompileQueue& compilations;  // of several tunings in turn: one that ends waits for none of it
  std::int64_t run = 0;
  std::function<void(const Progress&)> on_progress;
  const std::atomic<bool>* stop = nullptr;  // set by Ctrl-C: finish the current trial, store, return
  NextTuning next;                          // its first kernels are compiled beside this one's trials
};

// The canonical form of the workload (op.h) is tuned, and is what the rows are of.
TuneReport tune(Engine& engine, const Workload& workload, const TuneOptions& options);

}  // namespace nsajit::tuner
