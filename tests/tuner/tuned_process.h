#pragma once
// TunedProcess: tune() over a fake operation, compiler and runner and a real cache in a folder that outlives it.

#include <atomic>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/fake_compiler.h"
#include "tests/support/fake_runner.h"
#include "tests/support/temporary_folder.h"
#include "tuner/engine.h"

namespace nsajit::testing {

// One process: its own compiler, runner and cache handle over a file that outlives it.
struct TunedProcess {
  FakeOp op;
  FakeCompiler compiler;
  FakeRunner runner{op};
  cache::Cache cache;
  std::atomic<bool> stop{false};
  std::function<void(const tuner::Progress&)> on_progress;
  tuner::TuneOptions options;
  int compile_threads = 2;
  tuner::CompileQueue* compilations = nullptr;  // of several tunings; else one of its own for each
  const Workload* next = nullptr;
  Workload workload{.problem = {.dtype = DType::FP32, .dk = 32, .dv = 32}, .S = 256, .S_kv = 1024};

  static cache::Cache open_cache(const TemporaryFolder& folder) {
    return cache::Cache::open(folder.file("cache.db"), cache::OpenMode::ReadWrite);
  }

  explicit TunedProcess(const TemporaryFolder& folder, std::vector<Fault> faults = {Fault::None})
      : op(std::move(faults)), cache(open_cache(folder)) {}
  TunedProcess(const TemporaryFolder& folder, FakeOp an_op) : op(std::move(an_op)), cache(open_cache(folder)) {}

  tuner::TuneReport tune() {
    const auto run = cache.begin_run({.command = "test", .device = to_string(runner.facts)});
    std::optional<tuner::CompileQueue> own;
    if (compilations == nullptr) own.emplace(compiler, runner.facts, compile_threads, runtime::shared_cache_path(cache));
    tuner::Engine engine{.op = op,
                         .compiler = compiler,
                         .runner = runner,
                         .cache = cache,
                         .compilations = own ? *own : *compilations,
                         .run = run,
                         .on_progress = on_progress,
                         .stop = &stop,
                         .next = {.op = &op, .workload = next}};
    auto report = tuner::tune(engine, workload, options);
    cache.finish_run(run);
    return report;
  }

  Config default_config() const { return op.default_config(workload.problem, runner.facts); }
};

}  // namespace nsajit::testing
