// CompileQueue: order, laziness and shutdown.

#include "tuner/compile_queue.h"

#include <variant>

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

}  // namespace

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
