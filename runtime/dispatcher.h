#pragma once
// Dispatcher: finds the kernel that serves a Workload on a Device, and says how good the match is.
// Reads the cache once per tuple, compiles the stored decision (never measures), keeps what it loaded. What it compiles
// it stores, where the cache was opened for writing; processes that start together then compile each kernel once.
// What is tuned later is served after refresh(). Not thread-safe: one dispatcher per device and thread; server.h is for many.

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "cache/cache.h"
#include "core/toggles.h"
#include "nsajit/op.h"
#include "runtime/decision.h"
#include "runtime/device.h"
#include "runtime/route_log.h"

namespace nsajit::runtime {

struct BoundKernel {
  Decision decision;
  LaunchPlan plan;
  const Kernel* kernel = nullptr;  // owned by the dispatcher
};

class Dispatcher {
 public:
  // `toggles`: those that the host app set, as read_toggles() gives them; what they mean is policy.h's.
  Dispatcher(Device& device, codegen::Compiler& compiler, cache::Cache& cache, const Toggles& toggles = {});
  ~Dispatcher();
  // Throws Error{InvalidArgument} for an impossible workload; a tuple that was never tuned is a fallback. With a frozen
  // compiler, Error{Frozen} where the kernel that is to be served is not stored.
  BoundKernel find(const Workload& workload);
  // The same, and keeps nothing of the workload: for sizes that do not come back. Takes microseconds where the tuple's
  // winners are read and the kernel is loaded.
  BoundKernel bind(const Workload& workload);
  // Packed SDPA of the workload, whatever is stored and whatever the toggles say.
  BoundKernel bind_baseline(const Workload& workload);
  // Forgets what was read of the cache, where another connection has written to it since; loaded kernels stay. False:
  // nothing was written.
  bool refresh();

 private:
  Device& device_;
  codegen::Compiler& compiler_;
  cache::Cache& cache_;
  Toggles toggles_;
  RouteLog log_;
  std::int64_t generation_;  // of the cache, when it was last read anew
  const TupleWinners& read_tuple(const Op& op, const Problem& problem);
  const Kernel& load(const Op& op, const Problem& problem, const Config& config);
  const Kernel& load_by_key(const Op& op, const Problem& problem, const Config& config);

  std::unordered_map<Problem, TupleWinners> tuples_;
  std::map<std::pair<Problem, Config>, const Kernel*> kernels_;
  std::unordered_map<std::string, std::unique_ptr<Kernel>> loaded_;  // by cache key digest
  std::unordered_map<Workload, BoundKernel> found_;
};

}  // namespace nsajit::runtime
