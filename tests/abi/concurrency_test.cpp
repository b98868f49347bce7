// Threads of a host program on one context, and on several: whole passes, watched launches, contexts that come and go. For
// the thread sanitizer as much as for their results.

#include <catch2/catch_all.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/abi/attention_case.h"
#include "tests/abi/forward_case.h"
#include "tests/cache/captured_stderr.h"
#include "tests/support/variable.h"

namespace nsajit::testing {
namespace {

constexpr int kThreads = 4;

// Runs `work(thread)` on threads of their own; how many answered false.
template <class Work>
int count_failures(const Work& work) {
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      if (!work(thread)) ++failures;
    });
  for (std::thread& thread : threads) thread.join();
  return failures;
}

bool is_near(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) { return std::abs(x - y) < 1e-5f; });
}

bool selects_rightly(nsajit_context* context, std::int64_t queries, std::int64_t keys) {
  AttentionCase test(queries, keys);
  const nsajit_call call = test.call();
  return nsajit_selection_forward(context, &call) == NSAJIT_OK && test.selection_error() < 1e-5;
}

}  // namespace

TEST_CASE("threads run whole passes of the same sizes, from the first one on, while one refreshes", "[abi]") {
  const CpuContext context;
  ForwardCase expected(8, 71);
  REQUIRE(expected.run(CpuContext().get(), expected.call()) == NSAJIT_OK);
  const int failures = count_failures([&](int thread) {
    for (int round = 0; round < 8; ++round) {
      if (thread == 0 && nsajit_refresh(context.get(), nullptr) != NSAJIT_OK) return false;
      ForwardCase test(8, 71);
      if (test.run(context.get(), test.call()) != NSAJIT_OK || !is_near(test.o, expected.o)) return false;
    }
    return true;
  });
  CHECK(failures == 0);
}

TEST_CASE("watched launches of several threads take turns", "[abi]") {
  const Variable timing("NSA_DEBUG_TIMING", "1"), compare("NSA_DEBUG_COMPARE", "1"), asserts("NSA_STRICT_ASSERTS", "1");
  const Variable tuned("NSA_TRITON_SEL_FORCE", "1");
  const CpuContext context;
  const cache::CapturedStderr captured;
  CHECK(count_failures([&](int thread) {
          return selects_rightly(context.get(), 1 + thread, 40) && selects_rightly(context.get(), 1 + thread, 55);
        }) == 0);
  CHECK_THAT(captured.text(), Catch::Matchers::Contains("S=4"));
}

TEST_CASE("contexts are made and destroyed on threads of their own", "[abi]") {
  CHECK(count_failures([](int thread) {
          const CpuContext context;
          return context.status() == NSAJIT_OK && selects_rightly(context.get(), 1 + thread, 40);
        }) == 0);
}

}  // namespace nsajit::testing
