#pragma once
// SampleRecords: filled-in rows for the cache tests; each field differs from its default and its neighbours.

#include <string>
#include <vector>

#include "cache/cache.h"
#include "cache/cache_key.h"

namespace nsajit::cache {

CacheKey sample_kernel_key(const std::string& config);
TrialKey sample_trial_key(const std::string& config);

RunRecord sample_run();
TrialRecord sample_trial(std::int64_t run, const std::string& config = "query_major{warps=4}");
TrialRecord sample_baseline(std::int64_t run);
TrialRecord sample_failure(std::int64_t run, TrialStatus status);
std::vector<ParityRecord> sample_parity();
BinaryRecord sample_binary(const std::string& config = "query_major{warps=4}");

// A decision for `trial`, which must have its id.
WinnerRecord sample_winner(const TrialRecord& trial, const std::string& search = "exhaustive");
ThresholdRecord sample_threshold(std::int64_t run);
DeviceRecord sample_device();

// Stores a gated trial and returns it with its id.
TrialRecord store_gated_trial(Cache& cache, std::int64_t run, const std::string& config = "query_major{warps=4}");

}  // namespace nsajit::cache
