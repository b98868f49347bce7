#pragma once
// TunedProcess: tune() over a fake operation, compiler and runner and a real cache in a file that outlives it.

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_compiler.h"
#include "tests/support/fake_runner.h"
#include "tuner/engine.h"

namespace nsajit::testing {

class TemporaryCache {
 public:
  TemporaryCache() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nsajit-engine-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
  }
  ~TemporaryCache() { std::filesystem::remove_all(folder_); }
  TemporaryCache(const TemporaryCache&) = delete;
  TemporaryCache& operator=(const TemporaryCache&) = delete;
  cache::Cache open() const { return cache::Cache::open((folder_ / "cache.db").string(), cache::OpenMode::ReadWrite); }

 private:
  std::filesystem::path folder_;
};

// One process: its own compiler, runner and cache handle over a file that outlives it.
struct TunedProcess {
  FakeOp op;
  FakeCompiler compiler;
  FakeRunner runner{op};
  cache::Cache cache;
  std::atomic<bool> stop{false};
  std::function<void(const tuner::Progress&)> on_progress;
  tuner::TuneOptions options;
  Workload workload{.problem = {.dtype = DType::FP32, .dk = 32, .dv = 32}, .S = 256, .S_kv = 1024};

  explicit TunedProcess(const TemporaryCache& file, std::vector<Fault> faults = {Fault::None})
      : op(std::move(faults)), cache(file.open()) {}
  TunedProcess(const TemporaryCache& file, FakeOp an_op) : op(std::move(an_op)), cache(file.open()) {}

  tuner::TuneReport tune() {
    const auto run = cache.begin_run({.command = "test", .device = to_string(runner.facts)});
    tuner::Engine engine{
        .op = op, .compiler = compiler, .runner = runner, .cache = cache, .run = run, .on_progress = on_progress, .stop = &stop};
    auto report = tuner::tune(engine, workload, options);
    cache.finish_run(run);
    return report;
  }

  Config default_config() const { return op.default_config(workload.problem, runner.facts); }
};

}  // namespace nsajit::testing
