#pragma once
// CompileQueue: compiles kernels on a few threads ahead of the runner, in the order they were submitted. The caller
// bounds how far ahead by what it submits. With 0 threads a kernel is compiled when its result is asked for, which
// is right where compiling and measuring share the same processors.
// submit() and the results belong to one thread.

#include <condition_variable>
#include <deque>
#include <future>
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

  // The future rethrows what the compiler throws: an environment error, not a bad candidate.
  std::future<runtime::Built> submit(codegen::KernelSource source, cache::CacheKey key);

 private:
  using Job = std::packaged_task<runtime::Built()>;
  void work();

  codegen::Compiler& compiler_;
  const Target target_;
  const std::string cache_path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closing_ = false;
  std::vector<std::jthread> threads_;  // last: joined before what they use is gone
};

}  // namespace nsajit::tuner
