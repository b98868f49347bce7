#pragma once
// TuneLanes: what `tune` works with, made before anything is stored: a runner, a connection to the cache and a progress line
// for each device that was named, and the compiler that they share.

#include <memory>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "cli/child_compiler.h"
#include "cli/progress_line.h"
#include "codegen/compiler.h"
#include "core/env.h"
#include "nsajit/recording.h"
#include "runtime/device.h"
#include "tuner/compile_queue.h"
#include "tuner/trial_runner.h"

namespace nsajit::cli {

struct LaneSettings {
  std::string device = "auto";  // "cuda:0,cuda:1": a lane each
  std::string cache;
  bool in_process = false;
  double worker_timeout_s = 60;
  double compile_timeout_s = kCompileLimitS;
};

// One device. A connection to the cache belongs to one thread, as a runner does.
struct TuneLane {
  std::string name;                         // as given: cuda:1
  std::unique_ptr<runtime::Device> device;  // in-process only; the runner borrows it
  std::unique_ptr<tuner::TrialRunner> runner;
  cache::Cache cache;
  ProgressLine progress;
  std::unique_ptr<tuner::CompileQueue> compilations;  // last: it ends before what it uses
};

struct TuneLanes {
  std::unique_ptr<codegen::Compiler> compiler;
  std::vector<TuneLane> lanes;  // at least one

  const Target& target() const { return lanes.front().runner->target(); }
};

// The cache comes last: a machine that cannot tune gets no file. Throws Error{InvalidArgument} where the devices are not of
// one model, and what the runners and the cache throw.
TuneLanes open_lanes(const LaneSettings& settings, const Recordings& recordings, const Environment& environment);

}  // namespace nsajit::cli
