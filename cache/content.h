#pragma once
// Content: what a cache has measured and decided, by what things are rather than by row numbers, without code. The same
// whichever file it was read from; what export writes, import reads and merge unites. Plain values.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

// `run`, `trial` and `baseline_trial` are keys of the maps below. Ids and run numbers in the records are not used.
struct KeyedTrial {
  TrialRecord record;
  std::vector<ParityRecord> parity;
  std::string run;
};

struct KeyedWinner {
  WinnerRecord record;  // of its trial: op, problem, workload, device and config are empty
  std::string trial;
  std::string baseline_trial;  // empty: packed SDPA could not be measured
  std::string run;
};

struct KeyedThreshold {
  ThresholdRecord record;
  std::string run;
};

using ThresholdKey = std::tuple<std::string, std::string, std::string, std::string>;  // name, problem, workload, device

struct Content {
  std::map<std::string, DeviceRecord> devices;  // by identity
  std::map<std::string, RunRecord> runs;        // by run_key
  std::map<std::string, KeyedTrial> trials;     // by key
  std::map<std::string, KeyedWinner> winners;   // by key
  std::map<ThresholdKey, KeyedThreshold> thresholds;
};

// Digest of all that a run says of itself when it begins.
std::string run_key(const RunRecord& run);
ThresholdKey threshold_key(const ThresholdRecord& threshold);

// Each takes the new row where there is none under its key, or where it beats the one there:
//   device     the one that says more: whose name is known; then the smaller text
//   run        the one that finished, then later; then the smaller text
//   trial      more samples, so that a measured one beats a failure; then the later; then the smaller text
//   winner     more candidates considered; then the later; then the smaller text
//   threshold  the later; then the smaller text
// "The smaller text" is the row as exported. Each rule is a total order over rows that differ, which makes the union
// commutative, associative and idempotent.
void take(Content& content, const DeviceRecord& device);
void take(Content& content, const RunRecord& run);
void take(Content& content, const KeyedTrial& trial);
void take(Content& content, const KeyedWinner& winner);
void take(Content& content, const KeyedThreshold& threshold);

void merge(Content& content, const Content& other);

// What serving needs: the latest winner of each workload and device with the two trials that it points at, without compiler logs,
// the thresholds, and the runs and devices of these.
Content keep_decisions(const Content& content);

}  // namespace nsajit::cache
