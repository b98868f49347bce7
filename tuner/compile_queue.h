#pragma once
// CompileQueue: compiles kernels on a few threads ahead of the runner, in the order they were submitted. The caller
// bounds how far ahead by what it submits. With 0 threads a kernel is compiled when its result is asked for, which
// is right where compiling and measuring share the same processors.
//
// What will be wanted later may be submitted early: it is compiled while nothing else waits.
// All calls and the results belong to one thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "codegen/compiler.h"
#include "runtime/compile_once.h"

namespace nsajit::tuner {

class CompileQueue {
 public:
  // `compiler` outlives the queue. `cache_path`: as compile_once takes it.
  CompileQueue(codegen::Compiler& compiler, Target target, int threads, std::string cache_path);
  // Waits for the compilations under way; those not begun are dropped.
  ~CompileQueue();
  CompileQueue(const CompileQueue&) = delete;
  CompileQueue& operator=(const CompileQueue&) = delete;

  // The future rethrows what the compiler throws: an environment error, not a bad candidate. Takes over what was submitted early
  // under the same key.
  std::future<runtime::Built> submit(codegen::KernelSource source, cache::CacheKey key);
  std::size_t threads() const { return threads_.size(); }

  // The result waits for submit() with the same key. Nothing happens with 0 threads.
  void submit_early(codegen::KernelSource source, cache::CacheKey key);
  bool has_early(const cache::CacheKey& key) const;
  // Those that nobody took over are dropped; they are not begun any more.
  void drop_early();

  // Drops what was submitted and is not begun. What is under way goes on.
  void drop_waiting();

 private:
  using Job = std::packaged_task<runtime::Built()>;
  struct EarlyJob {
    std::string key;  // digest
    Job job;
  };
  std::function<runtime::Built()> compilation(codegen::KernelSource source, cache::CacheKey key);
  void work();

  codegen::Compiler& compiler_;
  const Target target_;
  const std::string cache_path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::deque<EarlyJob> early_jobs_;
  bool closing_ = false;
  std::map<std::string, std::future<runtime::Built>> early_;  // results by digest; of the caller's thread
  std::vector<std::jthread> threads_;                         // last: joined before what they use is gone
};

}  // namespace nsajit::tuner
