#pragma once
// ThreadPool: the processors of the CPU device. Runs a numbered set of tasks over persistent threads; a launch
// costs a few microseconds because idle threads watch for work a while before they sleep. run() allocates nothing.
// Threads that call run() at once take turns; the calling thread works too.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace nsajit::runtime {

class ThreadPool {
 public:
  // Called for each task, with the scratch memory of the thread that runs it (64-byte aligned, contents undefined).
  using Task = void (*)(const void* context, std::int64_t task, void* scratch);

  // Largest scratch of one thread. Reserved as addresses at the start, so that no run allocates; pages that no
  // task touches cost nothing.
  static constexpr std::int64_t kScratchBytes = std::int64_t{64} << 20;
  static constexpr std::int64_t kMaxTasks = 0xffff'fffe;

  // Requires: threads >= 1.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(scratch_.size()); }

  // Runs tasks 0 .. tasks - 1, each once, dealt one by one to whichever thread is free; returns when all are done.
  // Where a task throws, the rest are dropped and the first exception is thrown here.
  // Requires: 0 <= tasks <= kMaxTasks, and that it is not called by a task of this pool.
  void run(std::int64_t tasks, Task task, const void* context);

  // The same for a callable taking (task, scratch).
  template <typename Callable>
  void run(std::int64_t tasks, const Callable& callable) {
    run(tasks, [](const void* context, std::int64_t task, void* scratch) {
      (*static_cast<const Callable*>(context))(task, scratch);
    }, &callable);
  }

 private:
  class Scratch {   // reserved pages, released with the object
   public:
    Scratch();
    Scratch(Scratch&& other) noexcept : address_(other.address_) { other.address_ = nullptr; }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
    void* address() const { return address_; }

   private:
    void* address_ = nullptr;
  };

  void serve(std::size_t thread);
  void work(std::uint32_t round, void* scratch);
  void record_failure(std::exception_ptr failure);
  void stop_threads();

  // A round's fields may be read by a thread that woke too late for it; ticket_ decides whether it may use them.
  std::atomic<Task> task_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<std::uint32_t> tasks_{0};
  std::atomic<std::uint64_t> ticket_{0};      // round << 32 | next task
  std::atomic<std::uint32_t> round_{0};       // what idle threads watch
  std::atomic<std::uint32_t> unfinished_{0};  // tasks of the round; 0 = run() may return
  std::atomic<bool> failed_{false};
  std::atomic<bool> stopping_{false};
  std::mutex turn_;                           // of whoever runs
  std::atomic<std::thread::id> runner_{};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::vector<Scratch> scratch_;              // one per thread, the caller's first
  std::vector<std::thread> workers_;
};

}  // namespace nsajit::runtime
