// The launch path: allocates nothing once a workload is bound, and serves several threads at once.

#include <catch2/catch_all.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/abi/allocation_count.h"
#include "tests/abi/attention_case.h"

namespace nsajit::testing {

TEST_CASE("the count sees what the library allocates", "[abi]") {
  const CpuContext context;
  AttentionCase test(4, 40);
  const nsajit_call call = test.call();
  const std::int64_t before = count_allocations();
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(count_allocations() > before);
}

TEST_CASE("a launch of a bound workload allocates nothing", "[abi]") {
  const CpuContext context;
  AttentionCase test(4, 71);
  const nsajit_call call = test.call();
  const auto launch_all = [&] {
    return nsajit_selection_forward(context.get(), &call) == NSAJIT_OK &&
           nsajit_sliding_forward(context.get(), &call) == NSAJIT_OK &&
           nsajit_compressed_forward(context.get(), &call) == NSAJIT_OK &&
           nsajit_select_blocks(context.get(), &call) == NSAJIT_OK;
  };
  REQUIRE(launch_all());
  const std::int64_t before = count_allocations();
  for (int i = 0; i < 10; ++i) REQUIRE(launch_all());
  CHECK(count_allocations() == before);
}

TEST_CASE("a bound kernel launches without allocating", "[abi]") {
  const CpuContext context;
  AttentionCase test(4, 40);
  const nsajit_call call = test.call();
  std::int64_t bytes = -1;
  REQUIRE(nsajit_selection_workspace_bytes(context.get(), &call, &bytes) == NSAJIT_OK);
  const std::int64_t before = count_allocations();
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(count_allocations() == before);
}

TEST_CASE("threads with sizes of their own share a context", "[abi]") {
  const CpuContext context;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 10; ++round) {
        AttentionCase test(1 + thread, 40 + round);
        const nsajit_call call = test.call();
        if (nsajit_selection_forward(context.get(), &call) != NSAJIT_OK || test.selection_error() > 1e-5) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("each thread has the words of its own mistakes", "[abi]") {
  nsajit_refresh(nullptr, nullptr);
  const std::string own = nsajit_last_error();
  std::string of_other;
  std::thread([&] { of_other = nsajit_last_error(); }).join();
  CHECK(own == "nsajit_refresh: context is NULL");
  CHECK(of_other.empty());
}

}  // namespace nsajit::testing
