// CompileQueue: a first-in, first-out list of compilations and the threads that serve it.

#include "tuner/compile_queue.h"

#include <algorithm>
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
    early_jobs_.clear();
  }
  changed_.notify_all();
}

std::function<runtime::Built()> CompileQueue::compilation(codegen::KernelSource source, cache::CacheKey key) {
  return [this, source = std::move(source), key = std::move(key)] {
    return runtime::compile_once(compiler_, source, target_, key, cache_path_);
  };
}

std::future<runtime::Built> CompileQueue::submit(codegen::KernelSource source, cache::CacheKey key) {
  if (threads_.empty()) return std::async(std::launch::deferred, compilation(std::move(source), std::move(key)));
  std::future<runtime::Built> result;
  {
    const std::lock_guard lock(mutex_);
    if (auto early = early_.extract(key.digest()); early) {
      result = std::move(early.mapped());
      const auto waiting = std::ranges::find(early_jobs_, early.key(), &EarlyJob::key);
      if (waiting == early_jobs_.end()) return result;
      jobs_.push_back(std::move(waiting->job));
      early_jobs_.erase(waiting);
    } else {
      jobs_.emplace_back(compilation(std::move(source), std::move(key)));
      result = jobs_.back().get_future();
    }
  }
  changed_.notify_one();
  return result;
}

void CompileQueue::submit_early(codegen::KernelSource source, cache::CacheKey key) {
  if (threads_.empty() || has_early(key)) return;
  const std::string digest = key.digest();
  Job job(compilation(std::move(source), std::move(key)));
  early_[digest] = job.get_future();
  {
    const std::lock_guard lock(mutex_);
    early_jobs_.push_back({digest, std::move(job)});
  }
  changed_.notify_one();
}

bool CompileQueue::has_early(const cache::CacheKey& key) const { return early_.contains(key.digest()); }

void CompileQueue::drop_early() {
  const std::lock_guard lock(mutex_);
  early_jobs_.clear();
  early_.clear();
}

void CompileQueue::drop_waiting() {
  const std::lock_guard lock(mutex_);
  jobs_.clear();
}

void CompileQueue::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closing_ || !jobs_.empty() || !early_jobs_.empty(); });
    if (closing_) return;
    Job job;
    if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    } else {
      job = std::move(early_jobs_.front().job);
      early_jobs_.pop_front();
    }
    lock.unlock();
    job();
  }
}

}  // namespace nsajit::tuner
