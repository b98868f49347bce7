// Server: what is bound once is found without binding, by many threads; sizes that do not come back do not pile up; what
// is tuned meanwhile is served after a refresh.

#include "runtime/server.h"

#include <catch2/catch_all.hpp>

#include <atomic>
#include <thread>

#include "core/env.h"
#include "nsajit/error.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"
#include "tests/support/tuned_cache.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
using testing::sized;
using testing::tuned;
namespace {

struct Fixture : testing::TunedCache {
  testing::FakeCompiler* compiler = nullptr;  // the server's
  Server server = make();

  Server make() {
    auto owned = std::make_unique<testing::FakeCompiler>();
    compiler = owned.get();
    return {std::make_unique<testing::FakeDevice>(), std::move(owned),
            cache::Cache::open(cache.path(), cache::OpenMode::ReadOnly)};
  }
};

Workload decode_at(std::int64_t S_kv) { return Workload{.S = 1, .S_kv = S_kv}; }

}  // namespace

TEST_CASE("a workload is bound once, and found after that", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  const ServedKernel* first = &*fixture.server.find(sized(1024));
  CHECK(first->decision.grade == Grade::Exact);
  CHECK(first->decision.config == tuned(32));
  CHECK(&*fixture.server.find(sized(1024)) == first);
  CHECK(fixture.server.bind(sized(1024)).get() == first);
  CHECK(fixture.server.state().kernels == 1);
  CHECK(fixture.compiler->calls == 1);
}

TEST_CASE("an impossible workload is refused each time and leaves nothing in the table", "[runtime]") {
  Fixture fixture;
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(fixture.server.find(Workload{.S = 10, .S_kv = 5}), Error);
  CHECK(fixture.server.state().kernels == 0);
}

TEST_CASE("keys that grow by one compile nothing, have plans of their own and do not pile up", "[runtime]") {
  Fixture fixture;
  fixture.store({.workload = decode_at(4096)});
  const auto kept = fixture.server.bind(decode_at(1025));
  for (std::int64_t length = 1025; length < 1025 + 5000; ++length) {
    const Server::Lease lease = fixture.server.find(decode_at(length));
    REQUIRE(lease->workload.S_kv == length);
    REQUIRE(lease->decision.grade == (length == 4096 ? Grade::Exact : Grade::Nearest));
  }
  CHECK(fixture.compiler->calls == 1);
  CHECK(fixture.server.state().kernels <= KernelTable::kMostKernels);
  CHECK(fixture.server.state().tables_waiting == 0);
  CHECK(kept->workload.S_kv == 1025);
}

TEST_CASE("a refresh serves what was tuned meanwhile, and says how much changed", "[runtime]") {
  Fixture fixture;
  fixture.store({.config = tuned(16)});
  const auto before = fixture.server.bind(sized(1024));
  const auto other = fixture.server.bind(sized(1024, 4));
  CHECK(fixture.server.refresh() == 0);
  fixture.store({.config = tuned(64), .time_us = 40});
  CHECK(fixture.server.find(sized(1024))->decision.config == tuned(16));
  CHECK(fixture.server.refresh() == 2);
  CHECK(fixture.server.find(sized(1024))->decision.config == tuned(64));
  CHECK(before->decision.config == tuned(16));
  CHECK(fixture.server.refresh() == 0);
}

TEST_CASE("a refresh takes no notice of what changes nothing", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  const auto before = fixture.server.bind(sized(1024));
  fixture.cache.begin_run({.command = "another", .device = "elsewhere"});
  CHECK(fixture.server.refresh() == 0);
  CHECK(fixture.server.bind(sized(1024)) == before);
}

TEST_CASE("a cache file that appears later is read by a refresh", "[runtime]") {
  testing::TunedCache tuned_cache;
  tuned_cache.store({.config = tuned(64)});
  const std::string path = tuned_cache.folder.path() + "/later.db";
  Server server(std::make_unique<testing::FakeDevice>(), std::make_unique<testing::FakeCompiler>(),
                cache::Cache::open(path, cache::OpenMode::ReadOnly));
  CHECK(server.find(sized(1024))->decision.grade == Grade::Fallback);
  { const auto moved = std::move(tuned_cache.cache); }  // closed: the file is whole
  std::filesystem::copy_file(tuned_cache.folder.path() + "/cache.db", path);
  CHECK(server.refresh() == 1);
  CHECK(server.find(sized(1024))->decision.grade == Grade::Exact);
}

TEST_CASE("a replaced table is freed when its last reader has left, not before", "[runtime]") {
  Fixture fixture;
  fixture.store({.config = tuned(16)});
  {
    const Server::Lease reading = fixture.server.find(sized(1024));
    fixture.store({.config = tuned(64)});
    CHECK(fixture.server.refresh() == 1);
    CHECK(fixture.server.state().tables_waiting == 1);
    CHECK(reading->decision.config == tuned(16));
  }
  CHECK(fixture.server.state().tables_waiting == 0);
}

TEST_CASE("many readers see whole kernels while others bind and refresh", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<std::int64_t> found{0};
  const auto read = [&](std::int64_t seed) {
    for (std::int64_t i = seed; !stop; ++i) {
      const Workload asked = i % 4 == 0 ? decode_at(1024 + i % 3000) : sized(1024 + i % 5);
      const Server::Lease lease = fixture.server.find(asked);
      if (lease->workload != asked || lease->plan.steps.size() != 1 || lease->kernel == nullptr) ++wrong;
      ++found;
    }
  };
  std::vector<std::thread> readers;
  for (std::int64_t seed = 0; seed < 6; ++seed) readers.emplace_back(read, seed * 500);
  for (int round = 0; round < 20; ++round) {
    fixture.store({.config = tuned(round % 2 == 0 ? 16 : 32)});
    fixture.server.refresh();
  }
  while (found < 20'000) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(fixture.server.state().tables_waiting == 0);
}

TEST_CASE("a cache that cannot be made is no reason not to serve", "[runtime]") {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() + "/cache.db");
  CHECK_THROWS_AS(cache::Cache::open(folder.path() + "/cache.db", cache::OpenMode::ReadWrite), Error);
  Server server({.device = "cpu", .cache_path = folder.path() + "/cache.db"}, Environment{.cpu_threads = 1});
  CHECK(server.target().backend == Backend::Cpu);
}

}  // namespace nsajit::runtime
