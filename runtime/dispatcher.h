#pragma once
// Dispatcher: finds the kernel that serves a Workload on a Device, and says how good the match is.
// Reads the cache once per workload, compiles the stored decision (never measures), keeps what it loaded. What it compiles
// it stores, where the cache was opened for writing; processes that start together then compile each kernel once.
// What is tuned later is served by a new dispatcher. Not thread-safe: one dispatcher per device and thread.

#include <memory>
#include <string>
#include <unordered_map>

#include "cache/cache.h"
#include "nsajit/op.h"
#include "runtime/device.h"

namespace nsajit::runtime {

enum class Grade : std::uint8_t {
  Exact,     // this tuple was tuned on this device for this workload
  Nearest,   // the same tuple, tuned for other sizes; why says which
  Fallback,  // nothing stored, or stored as slower than the baseline: packed SDPA is served
};
std::string_view to_string(Grade grade);

struct Decision {
  Grade grade = Grade::Fallback;
  Config config;
  std::string why;             // one sentence, for people
  double time_us = 0;          // as measured when tuned; 0 = not measured
  double baseline_us = 0;
  std::int64_t threshold = -1; // smallest length where the winner is served; -1 = never, or not known; 0 where there is no threshold
};

// The decision alone: no compilation, no device memory. Where the workload itself was not tuned, the nearest one serves:
// octaves of B, S, S_kv, G and n, and of overlap_percent, the caller's hint, quarters (0 = random), are added up. A device
// without a winner of the tuple is served by those of a model that the user named for it (`nsajit cache alias`).
Decision find_decision(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache);

struct BoundKernel {
  Decision decision;
  LaunchPlan plan;
  const Kernel* kernel = nullptr;   // owned by the dispatcher
};

class Dispatcher {
 public:
  Dispatcher(Device& device, codegen::Compiler& compiler, cache::Cache& cache);
  ~Dispatcher();
  // Throws Error{InvalidArgument} for an impossible workload; a tuple that was never tuned is a fallback. With a frozen
  // compiler, Error{Frozen} where the kernel that is to be served is not stored.
  BoundKernel find(const Workload& workload);

 private:
  Device& device_;
  codegen::Compiler& compiler_;
  cache::Cache& cache_;
  const Kernel& load(const Op& op, const Problem& problem, const Config& config);

  std::unordered_map<std::string, std::unique_ptr<Kernel>> loaded_;   // by cache key digest
  std::unordered_map<Workload, BoundKernel> found_;
};

}  // namespace nsajit::runtime
