#pragma once
// Search: tries candidates in the order a strategy offers them: looks each up among the stored trials, else compiles,
// gates and times it, and stores the outcome at once. The default and the baseline are always tried.

#include <optional>
#include <vector>

#include "tuner/candidates.h"
#include "tuner/engine.h"
#include "tuner/stopwatch.h"

namespace nsajit::tuner {

// One call of tune(): what every stage reads, and the figures each adds to.
struct Tuning {
  Engine& engine;
  const Workload& workload;
  const TuneOptions& options;
  CandidateSet set;
  TuneCounts counts;
  PhaseTimes phases;
};

// A candidate with the outcome that is stored for it.
struct Tried {
  const Candidate* candidate = nullptr;  // points into Tuning::set
  cache::TrialRecord trial;
};

struct SearchOutcome {
  std::vector<Tried> tried;  // in the order of trial; the baseline is not among them
  std::optional<Tried> baseline;
  bool interrupted = false;
};

SearchOutcome run_search(Tuning& tuning);

// The kernel of a candidate: from the cache, else compiled now. nullopt: the compiler refuses it.
std::optional<codegen::Binary> find_or_compile(Tuning& tuning, const Candidate& candidate);

bool stop_requested(const Engine& engine);
void report_progress(const Engine& engine, const Progress& progress);

}  // namespace nsajit::tuner
