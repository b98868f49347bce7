#pragma once
// Bench result: what one run of a benchmark found, as plain values: written by bench_case, read by bench_format.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"
#include "codegen/compiler.h"
#include "nsajit/op.h"
#include "tuner/measure.h"

namespace nsajit::cli {

inline constexpr const char* kTwinRole = "A/A";  // of a kernel that races against itself

struct BenchEntry {
  Config config;
  std::vector<std::string> roles;  // "served", "default", a variant's name, "packed_sdpa", kTwinRole
  std::string source;              // where the config comes from, for people
  bool baseline = false;
  cache::TrialStatus status = cache::TrialStatus::Crash;
  std::string reason;  // empty where it was measured
  double mae = 0;      // mean absolute error of the first output on the workload itself, against float64
  tuner::Timing timing;
  std::optional<Prediction> predicted;  // where it was asked for, and a model knows the device
};

struct BenchCase {
  Workload workload;
  Op::Work work;
  std::int64_t length = 0;          // selected tokens per row
  std::vector<BenchEntry> entries;  // in the order of the table; the baseline last
};

struct BenchRun {
  Target target;
  codegen::CompilerIdentity compiler;
  std::string nsajit_version;
  std::string command;
  std::string created_utc;
  int rounds = 0;
  std::vector<BenchCase> cases;
};

// nullptr where the baseline was not measured.
const BenchEntry* find_baseline(const BenchCase& bench_case);

}  // namespace nsajit::cli
