#pragma once
// Decision: which config serves a Workload on a device, how good the match is, and why. Read from the cache once per tuple
// (read_winners), then a matter of arithmetic per workload (decide): a decode step that is one key longer than the last
// costs no database. No compilation, no device memory. Values: safe to share between threads.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cache.h"
#include "nsajit/op.h"

namespace nsajit::runtime {

enum class Grade : std::uint8_t {
  Exact,     // this tuple was tuned on this device for this workload
  Nearest,   // the same tuple, tuned for other sizes; why says which
  Fallback,  // nothing stored, or stored as slower than the baseline: packed SDPA is served
};
std::string_view to_string(Grade grade);

// The nearest stored winner, whether or not it is served.
struct StoredMatch {
  Config config;
  Grade grade = Grade::Nearest;  // exact or nearest
  std::string why;
  double time_us = 0;         // as measured when tuned
  bool measured_here = true;  // false: on a model that an alias lets serve this device, or before this build was made
  std::string lost;           // how packed SDPA was as fast when this was tuned; empty: it was not

  bool operator==(const StoredMatch&) const = default;
};

struct Decision {
  Grade grade = Grade::Fallback;
  Config config;
  Config baseline;     // packed SDPA of the tuple on the device
  std::string why;     // one sentence, for people
  double time_us = 0;  // as measured when tuned; 0 = not measured
  double baseline_us = 0;
  std::int64_t threshold = -1;  // stored beside the winner, for host apps: from it the margin is won; -1 = never, or not known;
                                // 0 = there is none
  std::optional<StoredMatch> match;  // unset: nothing is stored

  bool operator==(const Decision&) const = default;
};

// A stored winner that this build can serve.
struct StoredWinner {
  cache::WinnerRecord record;
  Workload workload;  // canonical
  Config config;
  std::optional<cache::ThresholdRecord> threshold;  // fitted with it
  std::vector<cache::LadderPoint> ladder;           // the threshold's, by length; empty: it has none
  bool pretuned = false;                            // it came with this build
};

// What the cache knows of one tuple for one device: the device's own winners; where it has none, those of the models that
// the user lets serve it (`nsajit cache alias`); where these have none, those that came with this build (pretuned.h). The
// newest first.
struct TupleWinners {
  Config baseline;  // packed SDPA of the tuple on the device: finding its best tiles takes longer than all of decide()
  std::vector<StoredWinner> winners;
};

// A record whose text this build cannot read, or whose config it no longer offers, is left out with a warning.
TupleWinners read_winners(const Op& op, const Problem& problem, const Target& target, cache::Cache& cache);

// Where the workload itself was not tuned, the nearest one's winner stands for it: octaves of B, S, S_kv, G and n, and of
// overlap_percent, the caller's hint, quarters (0 = random), are added up. The winner serves where it is expected to be the
// faster one at the workload's length (expected_speed_up.h), whatever the margin of the stored threshold; else packed SDPA.
// Requires: `tuple` was read for the workload's problem and this target.
Decision decide(const Op& op, const Workload& workload, const Target& target, const TupleWinners& tuple);

// Both in one.
Decision find_decision(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache);

}  // namespace nsajit::runtime
