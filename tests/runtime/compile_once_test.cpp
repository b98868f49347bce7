// CompileOnce: many processes want the same kernels at once; each kernel is compiled by one of them.

#include "runtime/compile_once.h"

#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/child_process.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"
#include "tests/support/temporary_folder.h"

namespace nsajit::runtime {
namespace {

using cache::ChildProcess;
using std::chrono::milliseconds;

codegen::KernelSource make_source(int index) {
  return {.name = "fake", .entries = {"fake_query_major"}, .fields = {{"index", index}}};
}

cache::CacheKey make_key(int index) { return {.op = "fake", .config = "query_major{index=" + std::to_string(index) + "}"}; }

// Writes a line for every compilation that any process begins, and takes its time.
class LoggingCompiler final : public codegen::Compiler {
 public:
  LoggingCompiler(std::string log, milliseconds takes) : log_(std::move(log)), takes_(takes) {}
  codegen::CompilerIdentity identity() const override { return fake_.identity(); }
  codegen::CompileResult compile(const codegen::KernelSource& source, const Target& target) override {
    const int file = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    const std::string line = std::to_string(source.fields.front().second) + "\n";
    if (write(file, line.data(), line.size()) < 0) throw std::runtime_error("no log");
    close(file);
    std::this_thread::sleep_for(takes_);
    return fake_.compile(source, target);
  }

 private:
  testing::FakeCompiler fake_;
  const std::string log_;
  const milliseconds takes_;
};

std::map<int, int> count_compilations(const std::string& log) {
  std::map<int, int> counts;
  std::ifstream in(log);
  for (int index = 0; in >> index;) ++counts[index];
  return counts;
}

// One process of a stampede: every key, beginning at another one. Says how many kernels came out right.
void want_all(const std::string& folder, int process, int keys) {
  LoggingCompiler compiler(folder + "/log", milliseconds(30));
  int right = 0;
  for (int i = 0; i < keys; ++i) {
    const int index = (process + i) % keys;
    const Built built = compile_once(compiler, make_source(index), testing::fake_target(), make_key(index), folder + "/cache.db");
    const auto& binary = std::get<codegen::Binary>(built.result);
    const std::string text(reinterpret_cast<const char*>(binary.code.data()), binary.code.size());
    if (text == "fake_query_major\nindex=" + std::to_string(index) + "\n" && binary.entries.size() == 1) ++right;
  }
  if (right != keys) throw std::runtime_error("only " + std::to_string(right) + " kernels are right");
}

}  // namespace

TEST_CASE("sixteen processes that want eight kernels at once compile each of them once") {
  const testing::TemporaryFolder folder;
  constexpr int kProcesses = 16;
  constexpr int kKeys = 8;
  std::vector<ChildProcess> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.emplace_back([&, process](int) { want_all(folder.path(), process, kKeys); });
  }
  for (ChildProcess& child : children) CHECK(child.wait() == "");
  const auto counts = count_compilations(folder.path() + "/log");
  CHECK(counts.size() == kKeys);
  for (const auto& [index, count] : counts) CHECK(count == 1);
}

TEST_CASE("threads of one process compile a kernel once") {
  const testing::TemporaryFolder folder;
  LoggingCompiler compiler(folder.path() + "/log", milliseconds(30));
  std::atomic<int> compiled{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        if (compile_once(compiler, make_source(1), testing::fake_target(), make_key(1), folder.path() + "/cache.db")
                .compiled_here)
          ++compiled;
      });
    }
  }
  CHECK(compiled == 1);
  CHECK(count_compilations(folder.path() + "/log").at(1) == 1);
}

TEST_CASE("a process that is killed while it compiles leaves nothing in the way") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/cache.db";
  ChildProcess owner([&](int output) {
    ChildProcess::say(output, "go");
    LoggingCompiler slow(folder.path() + "/log", std::chrono::seconds(60));
    compile_once(slow, make_source(1), testing::fake_target(), make_key(1), path);
  });
  owner.read_some();
  while (count_compilations(folder.path() + "/log").empty()) std::this_thread::sleep_for(milliseconds(1));
  owner.kill();
  LoggingCompiler compiler(folder.path() + "/log", milliseconds(0));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(compile_once(compiler, make_source(1), testing::fake_target(), make_key(1), path).compiled_here);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  CHECK_FALSE(compile_once(compiler, make_source(1), testing::fake_target(), make_key(1), path).compiled_here);
}

TEST_CASE("a kernel that does not compile is reported to each who wants it") {
  const testing::TemporaryFolder folder;
  testing::FakeCompiler compiler;
  compiler.refuse_variant = "query_major";
  for (int i = 0; i < 2; ++i) {
    const Built built = compile_once(compiler, make_source(1), testing::fake_target(), make_key(1), folder.path() + "/cache.db");
    CHECK(std::holds_alternative<codegen::CompileFailure>(built.result));
  }
  CHECK(compiler.calls == 2);
}

TEST_CASE("without a cache that can be written a kernel is compiled all the same") {
  const testing::TemporaryFolder folder;
  testing::FakeCompiler compiler;
  cache::CapturedStderr captured;
  for (const std::string& path : {std::string(), folder.path() + "/file/cache.db"}) {
    std::ofstream(folder.path() + "/file") << "x";
    const Built built = compile_once(compiler, make_source(1), testing::fake_target(), make_key(1), path);
    CHECK(std::holds_alternative<codegen::Binary>(built.result));
  }
  CHECK(compiler.calls == 2);
  CHECK(captured.lines() == 1);
}

}  // namespace nsajit::runtime
