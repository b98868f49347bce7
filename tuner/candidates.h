#pragma once
// Candidates: the configs that a tuning considers, each with its source and its keys, ready to be looked up or
// compiled; and the identity of the whole search, which is what a stored winner is found by.

#include <cstdint>
#include <string>
#include <vector>

#include "cache/cache_key.h"
#include "codegen/compiler.h"
#include "codegen/kernel_source.h"
#include "nsajit/op.h"
#include "tuner/landscape.h"

namespace nsajit::tuner {

struct TuneOptions;

struct Candidate {
  Config config;
  std::string text;  // to_string(config)
  codegen::KernelSource source;
  cache::TrialKey trial_key;  // its `kernel` is the kernel's key
  bool baseline = false;
};

struct CandidateSet {
  std::vector<Candidate> offered;  // the default first, then the space's other valid configs in its order
  Candidate baseline;              // never among the offered: it is the opponent, not a choice
};

CandidateSet make_candidates(const Op& op, const Workload& workload, const Target& target,
                             const codegen::CompilerIdentity& compiler);

// What the operation's model expects of a config, in microseconds; 0 where it knows nothing, or the config cannot be launched
// for the workload (its trial says why).
double expect_cost(const Op& op, const Workload& workload, const Config& config, const Target& target);

// The offered configs with the same of each; nothing expected of any where `modelled` is Unmodelled.
enum class Modelled : std::uint8_t { Unmodelled, Modelled };
Landscape make_landscape(const Op& op, const Workload& workload, const Target& target, const CandidateSet& set,
                         Modelled modelled);

struct SearchKey {
  std::string text;  // "name=value" lines
  std::string digest;
};

// Everything that could make another search end with another winner: operation, workload, device, driver, every
// kernel of the space and the baseline, how the search is run, how results are judged and timed.
SearchKey make_search_key(const Op& op, const Workload& workload, const Target& target, const CandidateSet& set,
                          const TuneOptions& options);

}  // namespace nsajit::tuner
