#pragma once
// Trial record: turns what compiler and runner answered into the rows that the cache keeps. Pure conversions. Binaries
// are runtime/stored_binary.h's.

#include <string>
#include <vector>

#include "cache/records.h"
#include "codegen/compiler.h"
#include "tuner/candidates.h"
#include "tuner/trial_runner.h"

namespace nsajit::tuner {

// All but the outcome: keys, names, time of creation.
cache::TrialRecord make_trial_record(const Op& op, const Workload& workload, const Candidate& candidate);
void add_failure(cache::TrialRecord& trial, const codegen::CompileFailure& failure);
void add_binary(cache::TrialRecord& trial, const codegen::Binary& binary, const LaunchPlan& plan);
void add_result(cache::TrialRecord& trial, const TrialResult& result);
void add_timing(cache::TrialRecord& trial, const Timing& timing);

std::vector<cache::ParityRecord> make_parity_records(const ParityReport& report);

cache::DeviceRecord make_device_record(const Target& target);

}  // namespace nsajit::tuner
