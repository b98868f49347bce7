// ThreadPool: rounds of tasks behind one atomic ticket.

#include "runtime/thread_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/assert.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

// How long an idle thread watches before it sleeps in the kernel: longer than the gap between the steps of a plan
// or two timed launches, short enough not to starve other programs. Waking a sleeper costs about 50 us.
constexpr auto kWatchTime = std::chrono::microseconds(60);

constexpr std::uint32_t kClosed = 0xffff'ffff;   // next task of a round that deals no more

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Returns once `value` differs from `seen`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t seen) {
  const auto until = std::chrono::steady_clock::now() + kWatchTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != seen) return;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < until);
  value.wait(seen, std::memory_order_acquire);
}

std::uint64_t make_ticket(std::uint32_t round, std::uint32_t next) { return std::uint64_t{round} << 32 | next; }

}  // namespace

ThreadPool::Scratch::Scratch() {
  void* pages = ::mmap(nullptr, kScratchBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    throw Error(ErrorCode::Driver, fmt::format("reserve {} bytes of scratch for a CPU thread: {}; lower the number of threads "
                                               "with NSAJIT_THREADS", kScratchBytes, std::strerror(errno)));
  address_ = pages;
}

ThreadPool::Scratch::~Scratch() {
  if (address_ != nullptr) ::munmap(address_, kScratchBytes);
}

ThreadPool::ThreadPool(int threads) : scratch_(static_cast<std::size_t>(threads)) {
  NSAJIT_ASSERT(threads >= 1, "the caller is the first thread");
  try {
    for (std::size_t i = 1; i < scratch_.size(); ++i) workers_.emplace_back([this, i] { serve(i); });
  } catch (const std::system_error& error) {
    stop_threads();
    throw Error(ErrorCode::Driver, fmt::format("start {} CPU threads: {}; lower their number with NSAJIT_THREADS", threads,
                                               error.what()));
  }
}

ThreadPool::~ThreadPool() { stop_threads(); }

void ThreadPool::stop_threads() {
  stopping_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::serve(std::size_t thread) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_change(round_, seen);
    if (stopping_) return;
    seen = round_.load(std::memory_order_acquire);
    work(seen, scratch_[thread].address());
  }
}

void ThreadPool::run(std::int64_t tasks, Task task, const void* context) {
  NSAJIT_ASSERT(tasks >= 0 && tasks <= kMaxTasks, "a task's number fits the ticket");
  NSAJIT_ASSERT(runner_.load(std::memory_order_relaxed) != std::this_thread::get_id(), "a task must not start a run of its own pool");
  const std::lock_guard turn(turn_);
  runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  if (tasks > 0) {
    // Closing the old round first keeps a late thread from taking a ticket of it by the new count. The stores are
    // releases so that whoever sees a new field also sees the closed ticket.
    const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
    ticket_.store(make_ticket(round - 1, kClosed), std::memory_order_release);
    task_.store(task, std::memory_order_release);
    context_.store(context, std::memory_order_release);
    tasks_.store(static_cast<std::uint32_t>(tasks), std::memory_order_release);
    unfinished_.store(static_cast<std::uint32_t>(tasks), std::memory_order_release);
    ticket_.store(make_ticket(round, 0), std::memory_order_release);
    round_.store(round, std::memory_order_release);
    if (tasks > 1) round_.notify_all();
    work(round, scratch_.front().address());
    for (std::uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) wait_for_change(unfinished_, left);
  }
  runner_.store(std::thread::id(), std::memory_order_relaxed);
  if (failed_.exchange(false)) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work(std::uint32_t round, void* scratch) {
  const Task task = task_.load(std::memory_order_acquire);
  const void* context = context_.load(std::memory_order_acquire);
  const std::uint32_t tasks = tasks_.load(std::memory_order_acquire);
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const auto next = static_cast<std::uint32_t>(ticket);
    if (ticket >> 32 != round || next >= tasks) return;
    // Success proves that the round still runs, and so that the fields above are its own.
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    try {
      if (!failed_.load(std::memory_order_relaxed)) task(context, next, scratch);
    } catch (...) {
      record_failure(std::current_exception());
    }
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::record_failure(std::exception_ptr failure) {
  const std::lock_guard lock(failure_mutex_);
  if (failed_.exchange(true)) return;
  failure_ = std::move(failure);
}

}  // namespace nsajit::runtime
