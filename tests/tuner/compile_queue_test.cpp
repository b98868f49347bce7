// CompileQueue: order, laziness and shutdown.

#include "tuner/compile_queue.h"

#include <future>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"

namespace {

using namespace nsajit;

codegen::KernelSource make_source(int dk) { return {.name = "fake", .entries = {"fake_query_major"}, .fields = {{"dk", dk}}}; }

class RefusingCompiler final : public codegen::Compiler {
 public:
  codegen::CompilerIdentity identity() const override { return {.name = "refusing"}; }
  codegen::CompileResult compile(const codegen::KernelSource&, const Target&) override {
    throw Error(ErrorCode::Unsupported, "no compiler here");
  }
};

cache::CacheKey make_key(int dk) { return {.config = "dk=" + std::to_string(dk)}; }

// Holds the first compilation until it is let go, and keeps the order of all.
class SlowCompiler final : public codegen::Compiler {
 public:
  codegen::CompilerIdentity identity() const override { return {.name = "slow"}; }
  codegen::CompileResult compile(const codegen::KernelSource& source, const Target& target) override {
    if (order_.empty()) begun_.set_value();
    order_.push_back(source.fields.front().second);
    if (order_.size() == 1) go_.get_future().wait();
    return fake_.compile(source, target);
  }
  void wait_until_begun() { begun_.get_future().wait(); }
  void go() { go_.set_value(); }
  const std::vector<int>& order() const { return order_; }  // once nothing is being compiled

 private:
  testing::FakeCompiler fake_;
  std::promise<void> begun_, go_;
  std::vector<int> order_;
};

// Of one thread, which compiles source 1 until the compiler is let go.
struct BusyQueue {
  tuner::CompileQueue queue;
  std::future<runtime::Built> first;

  explicit BusyQueue(SlowCompiler& compiler)
      : queue(compiler, testing::fake_target(), 1, ""), first(queue.submit(make_source(1), make_key(1))) {
    compiler.wait_until_begun();
  }
};

}  // namespace

TEST_CASE("what was submitted early is compiled once, after all that waits, and taken over by its key") {
  SlowCompiler compiler;
  BusyQueue busy(compiler);
  auto& queue = busy.queue;
  queue.submit_early(make_source(2), make_key(2));
  queue.submit_early(make_source(3), make_key(3));
  auto urgent = queue.submit(make_source(4), make_key(4));
  CHECK(queue.has_early(make_key(2)));
  CHECK_FALSE(queue.has_early(make_key(4)));
  auto taken = queue.submit(make_source(3), make_key(3));  // wanted now: it no longer waits for others
  CHECK_FALSE(queue.has_early(make_key(3)));
  compiler.go();
  busy.first.get();
  urgent.get();
  CHECK(taken.get().compiled_here);
  CHECK(queue.submit(make_source(2), make_key(2)).get().compiled_here);
  CHECK(compiler.order() == std::vector<int>{1, 4, 3, 2});
}

TEST_CASE("what was submitted early and is dropped is not begun any more") {
  SlowCompiler compiler;
  {
    BusyQueue busy(compiler);
    auto& queue = busy.queue;
    queue.submit_early(make_source(2), make_key(2));
    queue.submit(make_source(3), make_key(3));
    queue.drop_early();
    queue.drop_waiting();
    CHECK_FALSE(queue.has_early(make_key(2)));
    compiler.go();
    busy.first.get();
  }
  CHECK(compiler.order() == std::vector<int>{1});
}

TEST_CASE("each future answers its own source") {
  testing::FakeCompiler compiler;
  tuner::CompileQueue queue(compiler, testing::fake_target(), 3, "");
  std::vector<std::future<runtime::Built>> results;
  for (int dk = 0; dk < 20; ++dk) results.push_back(queue.submit(make_source(dk), {}));
  for (int dk = 0; dk < 20; ++dk) {
    const auto binary = std::get<codegen::Binary>(results[static_cast<std::size_t>(dk)].get().result);
    const std::string text(reinterpret_cast<const char*>(binary.code.data()), binary.code.size());
    CHECK(text == "fake_query_major\ndk=" + std::to_string(dk) + "\n");
  }
  CHECK(compiler.calls == 20);
}

TEST_CASE("without threads nothing is compiled until its result is asked for") {
  testing::FakeCompiler compiler;
  tuner::CompileQueue queue(compiler, testing::fake_target(), 0, "");
  auto result = queue.submit(make_source(1), {});
  auto unused = queue.submit(make_source(2), {});
  CHECK(compiler.calls == 0);
  result.get();
  CHECK(compiler.calls == 1);
}

TEST_CASE("an environment error of the compiler reaches whoever asks for the result") {
  RefusingCompiler compiler;
  tuner::CompileQueue queue(compiler, testing::fake_target(), 1, "");
  CHECK_THROWS_AS(queue.submit(make_source(1), {}).get(), Error);
}

TEST_CASE("closing a queue drops what was not begun") {
  testing::FakeCompiler compiler;
  {
    tuner::CompileQueue queue(compiler, testing::fake_target(), 1, "");
    for (int dk = 0; dk < 1000; ++dk) queue.submit(make_source(dk), {});
  }
  CHECK(compiler.calls <= 1000);
}
