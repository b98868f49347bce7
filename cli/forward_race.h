#pragma once
// Forward race: times a forward pass, its parts, and dense attention on the same heads in one interleaved run with a cold
// last-level cache, each from a captured graph where the device has them. Kernels are those that the cache serves.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "cli/config_kernel.h"
#include "cli/dense_contender.h"
#include "cli/forward_result.h"
#include "cli/forward_tensors.h"
#include "cli/session.h"
#include "nsajit/forward.h"
#include "runtime/forward_plan.h"
#include "runtime/server.h"

namespace nsajit::cli {

// What a race borrows. The server and the kernels are of one device.
struct RaceTools {
  runtime::Server& server;
  ConfigKernels& kernels;
  StoredDecisions& decisions;
};

// What a command that races sets up: a device, what serves on it, and how its result is written down.
class RaceBench {
 public:
  RaceBench(const Session& session, const std::string& device, const std::string& cache);
  RaceTools& tools() { return tools_; }
  const Target& target() const { return device_->target(); }
  // JSON of the rows, with the machine.
  std::string describe(std::vector<ForwardRow> rows, int rounds) const;

 private:
  std::string command_line_;
  runtime::Server server_;
  std::unique_ptr<runtime::Device> device_;
  std::unique_ptr<codegen::Compiler> compiler_;
  cache::Cache cache_;
  ConfigKernels kernels_;
  StoredDecisions decisions_;
  RaceTools tools_;
};

struct RaceLane {
  std::string name;
  std::string kernel;  // for people; empty: several
  runtime::StreamWork work;
};

// Runs and captures each lane in order, then times them all.
std::vector<ForwardContender> race_lanes(runtime::Device& device, const std::vector<RaceLane>& lanes,
                                         const tuner::MeasureOptions& options);

// A call with memory of its own, ready to be launched: what a lane captures. Movable; `tensors` outlive it.
class BoundForward {
 public:
  BoundForward(RaceTools& tools, const nsajit_forward_call& call, runtime::ForwardPlan::Pieces pieces);
  runtime::ForwardPlan& plan() const { return *plan_; }

 private:
  std::unique_ptr<runtime::Buffer> workspace_;
  std::unique_ptr<runtime::ForwardPlan> plan_;
};

// "query_union{...}, exact"
std::string describe_kernel(const runtime::ServedKernel& kernel);

// All that `bench forward` shows of one workload. `longest`: of all lengths of its tuple, for dense attention.
ForwardRow race_forward(RaceTools& tools, const Workload& workload, std::int64_t longest, const tuner::MeasureOptions& options);

}  // namespace nsajit::cli
