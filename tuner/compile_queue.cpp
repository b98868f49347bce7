// CompileQueue: a first-in, first-out list of compilations and the threads that serve it.

#include "tuner/compile_queue.h"

#include <utility>

namespace nsajit::tuner {

CompileQueue::CompileQueue(codegen::Compiler& compiler, Target target, int threads, std::string cache_path)
    : compiler_(compiler), target_(std::move(target)), cache_path_(std::move(cache_path)) {
  for (int index = 0; index < threads; ++index) threads_.emplace_back([this] { work(); });
}

CompileQueue::~CompileQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
}

std::future<runtime::Built> CompileQueue::submit(codegen::KernelSource source, cache::CacheKey key) {
  auto compile = [this, source = std::move(source), key = std::move(key)] {
    return runtime::compile_once(compiler_, source, target_, key, cache_path_);
  };
  if (threads_.empty()) return std::async(std::launch::deferred, std::move(compile));
  Job job(std::move(compile));
  auto result = job.get_future();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return result;
}

void CompileQueue::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (closing_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
  }
}

}  // namespace nsajit::tuner
