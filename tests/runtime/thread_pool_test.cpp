// ThreadPool: every task once, whatever the sizes; failures reach the caller; idle threads come back.

#include "runtime/thread_pool.h"

#include <catch2/catch_all.hpp>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>

namespace nsajit::runtime {
namespace {

std::vector<int> count_runs(ThreadPool& pool, std::int64_t tasks) {
  std::vector<std::atomic<int>> counts(static_cast<std::size_t>(tasks));
  pool.run(tasks, [&](std::int64_t task, void*) { ++counts[static_cast<std::size_t>(task)]; });
  return {counts.begin(), counts.end()};
}

}  // namespace

TEST_CASE("every task runs exactly once", "[runtime]") {
  const int threads = GENERATE(1, 2, 3, 8);
  const int tasks = GENERATE(0, 1, 2, 7, 1000, 50000);
  ThreadPool pool(threads);
  CHECK(count_runs(pool, tasks) == std::vector<int>(static_cast<std::size_t>(tasks), 1));
}

TEST_CASE("many short rounds of changing sizes lose and repeat no task", "[runtime]") {
  ThreadPool pool(4);
  std::int64_t expected = 0;
  std::atomic<std::int64_t> sum{0};
  for (std::int64_t round = 0; round < 20000; ++round) {
    const std::int64_t tasks = round % 7;
    expected += tasks * (tasks - 1) / 2;
    pool.run(tasks, [&](std::int64_t task, void*) { sum += task; });
  }
  CHECK(sum == expected);
}

TEST_CASE("threads that run at once take turns", "[runtime]") {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto counts = count_runs(pool, 20);
        if (std::accumulate(counts.begin(), counts.end(), 0) != 20) ++wrong;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads that went to sleep come back", "[runtime]") {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const auto counts = count_runs(pool, 64);
    REQUIRE(std::accumulate(counts.begin(), counts.end(), 0) == 64);
  }
}

TEST_CASE("tasks are shared: a long task does not hold up the others", "[runtime]") {
  ThreadPool pool(2);
  std::atomic<int> others{0};
  pool.run(9, [&](std::int64_t task, void*) {
    if (task != 0) { ++others; return; }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (others < 8 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  });
  CHECK(others == 8);
}

TEST_CASE("an exception of a task reaches the caller and the pool goes on", "[runtime]") {
  ThreadPool pool(3);
  const auto throwing = [](std::int64_t task, void*) { if (task == 5) throw std::runtime_error("task five"); };
  CHECK_THROWS_WITH(pool.run(1000, throwing), "task five");
  CHECK_THROWS_WITH(pool.run(6, throwing), "task five");
  CHECK(count_runs(pool, 100) == std::vector<int>(100, 1));
}

TEST_CASE("scratch is aligned, large and a thread's own", "[runtime]") {
  ThreadPool pool(3);
  std::mutex mutex;
  std::set<void*> seen;
  std::atomic<bool> intact{true};
  pool.run(300, [&](std::int64_t task, void* scratch) {
    auto* numbers = static_cast<std::int64_t*>(scratch);
    const std::size_t last = ThreadPool::kScratchBytes / sizeof(std::int64_t) - 1;
    numbers[0] = numbers[last] = task;
    std::this_thread::yield();
    if (numbers[0] != task || numbers[last] != task) intact = false;
    const std::lock_guard lock(mutex);
    seen.insert(scratch);
  });
  CHECK(intact);
  CHECK(seen.size() <= 3);
  for (void* scratch : seen) CHECK(reinterpret_cast<std::uintptr_t>(scratch) % 64 == 0);
}

TEST_CASE("a warm launch costs microseconds", "[runtime][slow]") {
  ThreadPool pool(2);
  double best_us = 1e9;
  for (int round = 0; round < 2000; ++round) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(2, [](std::int64_t, void*) {});
    best_us = std::min(best_us, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  CHECK(best_us < 20);   // a sleeping thread costs 50 and more
}

}  // namespace nsajit::runtime
