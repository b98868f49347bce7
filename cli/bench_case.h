#pragma once
// Bench case: compiles, gates and races the contenders of one workload on a trial runner. Nothing is timed that has not
// passed the parity gate, now or, under the same key, when it was tuned. Writes nothing to the cache.

#include <string>

#include "cache/cache.h"
#include "cli/bench_result.h"
#include "cli/progress_line.h"
#include "nsajit/recording.h"
#include "tuner/trial_runner.h"

namespace nsajit::cli {

struct BenchSettings {
  std::string configs = "all-variants";  // as pick_contenders takes it
  tuner::MeasureOptions measure{.warmup = 2, .rounds = 25};
  int compile_threads = 0;
  bool aa = false;         // the first kernel enters twice: what it differs from itself is noise
  bool predicted = false;  // what the model expects is put beside
};

// What a case borrows.
struct BenchTools {
  codegen::Compiler& compiler;
  tuner::TrialRunner& runner;
  cache::Cache& cache;
  ProgressLine& progress;
  const Recordings& recordings;  // those that workloads name
};

// Throws Error{InvalidArgument} for a config that is not in the space. What goes wrong with one contender is its status.
BenchCase run_bench_case(BenchTools& tools, const Workload& workload, const BenchSettings& settings);

}  // namespace nsajit::cli
