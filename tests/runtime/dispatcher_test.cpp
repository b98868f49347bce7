// Dispatcher: grades and reasons from a real cache, kernels from a fake compiler and device.

#include "runtime/dispatcher.h"

#include <catch2/catch_all.hpp>

#include "codegen/frozen_compiler.h"
#include "nsajit/error.h"
#include "runtime/kernel_key.h"
#include "runtime/stored_binary.h"
#include "tests/cache/captured_stderr.h"
#include "tests/support/decided_cache.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"
#include "tests/support/fake_op.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
using testing::sized;
using testing::tuned;
namespace {

struct Fixture : testing::DecidedCache {
  testing::FakeDevice device;
  testing::FakeCompiler compiler;
};

// The record of what the fake compiler makes of `config`, under the key by which the dispatcher asks.
cache::BinaryRecord binary_record(Fixture& fixture, const Config& config) {
  const auto source = codegen::specialize(fixture.op, Problem{}, config, testing::fake_target());
  const auto key = make_kernel_key(fixture.op, Problem{}, config, testing::fake_target(), source, fixture.compiler.identity());
  const auto binary = std::get<codegen::Binary>(fixture.compiler.compile(source, testing::fake_target()));
  fixture.compiler.calls = 0;
  return make_binary_record(key, binary);
}

}  // namespace

TEST_CASE("an empty cache is a fallback that says what to do", "[runtime]") {
  Fixture fixture;
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Fallback);
  CHECK(decision.config == fixture.baseline());
  CHECK(decision.threshold == -1);
  CHECK_THAT(decision.why, Contains("nothing is stored") && Contains("nsajit tune"));
}

TEST_CASE("a workload that was tuned is an exact match", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Exact);
  CHECK(decision.config == tuned(32));
  CHECK(decision.time_us == 50);
  CHECK(decision.baseline_us == 100);
}

TEST_CASE("other sizes are served by the nearest tuned ones, with the reason", "[runtime]") {
  Fixture fixture;
  fixture.store({.workload = sized(1024), .config = tuned(16)});
  fixture.store({.workload = sized(8192), .config = tuned(64)});
  const Decision near_small = fixture.decide(sized(2048));
  CHECK(near_small.grade == Grade::Nearest);
  CHECK(near_small.config == tuned(16));
  CHECK_THAT(near_small.why, Contains("S=2048") && Contains("S=1024") && Contains("2.0 octaves"));
  CHECK(fixture.decide(sized(5000)).config == tuned(64));
  CHECK(fixture.decide(sized(1 << 20)).config == tuned(64));
}

TEST_CASE("an exact match is preferred to a nearer-looking overlap", "[runtime]") {
  Fixture fixture;
  Workload overlapping = sized(1024);
  overlapping.overlap_percent = 90;
  fixture.store({.workload = overlapping, .config = tuned(64)});
  fixture.store({.workload = sized(1024), .config = tuned(16)});
  CHECK(fixture.decide(sized(1024)).config == tuned(16));
  CHECK(fixture.decide(overlapping).config == tuned(64));
  CHECK(fixture.decide(overlapping).grade == Grade::Exact);
}

TEST_CASE("a winner of the same quarter of overlap is preferred to one of nearer sizes", "[runtime]") {
  Fixture fixture;
  Workload overlapping = sized(2048);
  overlapping.overlap_percent = 75;
  fixture.store({.workload = overlapping, .config = tuned(64)});
  fixture.store({.workload = sized(1024), .config = tuned(16)});
  Workload asked = sized(1024);
  asked.overlap_percent = 70;
  CHECK(fixture.decide(asked).config == tuned(64));
  CHECK(fixture.decide(asked).grade == Grade::Nearest);
  CHECK_THAT(fixture.decide(asked).why, Contains("overlap=70") && Contains("overlap=75"));
  asked.overlap_percent = 12;
  CHECK(fixture.decide(asked).config == tuned(16));
}

TEST_CASE("of equal sizes the nearest overlap serves", "[runtime]") {
  Fixture fixture;
  const std::pair<int, Config> stored[] = {{0, tuned(16, 1)}, {40, tuned(16, 2)}, {60, tuned(16, 3)}, {100, tuned(32, 1)}};
  for (const auto& [overlap, config] : stored) {
    Workload workload = sized(1024);
    workload.overlap_percent = overlap;
    fixture.store({.workload = workload, .config = config});
  }
  Workload asked = sized(1024);
  const std::pair<int, Config> served[] = {{10, tuned(16, 1)}, {30, tuned(16, 2)}, {49, tuned(16, 2)},
                                           {51, tuned(16, 3)}, {70, tuned(16, 3)}, {95, tuned(32, 1)}};
  for (const auto& [overlap, config] : served) {
    asked.overlap_percent = overlap;
    CAPTURE(overlap);
    CHECK(to_string(fixture.decide(asked).config) == to_string(config));
  }
}

TEST_CASE("a winner on a recorded selection serves launches of its overlap") {
  Fixture fixture;
  Workload recorded = sized(1024);
  recorded.overlap_percent = 62;
  recorded.selection = 7;
  fixture.store({.workload = sized(1024), .config = tuned(16)});
  fixture.store({.workload = recorded, .config = tuned(64)});
  CHECK(fixture.decide(recorded).grade == Grade::Exact);
  Workload asked = sized(1024);
  const std::pair<int, Config> served[] = {{0, tuned(16)}, {20, tuned(16)}, {62, tuned(64)}, {70, tuned(64)}, {100, tuned(64)}};
  for (const auto& [overlap, config] : served) {
    asked.overlap_percent = overlap;
    CAPTURE(overlap);
    CHECK(to_string(fixture.decide(asked).config) == to_string(config));
  }
  asked.overlap_percent = 62;
  CHECK(fixture.decide(asked).grade == Grade::Nearest);
  CHECK_THAT(fixture.decide(asked).why, Contains("selection=0000000000000007") && Contains("0.0 octaves"));
  Workload other = recorded;
  other.selection = 8;
  CHECK(fixture.decide(other).config == tuned(64));
}

TEST_CASE("of one overlap the same selection serves, whichever was tuned later") {
  const bool recorded_last = GENERATE(false, true);
  Fixture fixture;
  Workload generated = sized(1024);
  generated.overlap_percent = 50;
  Workload recorded = generated;
  recorded.selection = 7;
  if (recorded_last) fixture.store({.workload = generated, .config = tuned(16)});
  fixture.store({.workload = recorded, .config = tuned(64)});
  if (!recorded_last) fixture.store({.workload = generated, .config = tuned(16)});
  CHECK(fixture.decide(generated).grade == Grade::Exact);
  CHECK(fixture.decide(generated).config == tuned(16));
  CHECK(fixture.decide(recorded).grade == Grade::Exact);
  CHECK(fixture.decide(recorded).config == tuned(64));
}

TEST_CASE("winners of another device or another tuple do not count", "[runtime]") {
  Fixture fixture;
  fixture.store({.device = "cpu;name=another"});
  Workload other = sized(1024);
  other.problem.dk = 64;
  fixture.store({.workload = other});
  CHECK(fixture.decide(sized(1024)).grade == Grade::Fallback);
}

TEST_CASE("the host app's toggles decide what the dispatcher serves", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  CHECK(Dispatcher(fixture.device, fixture.compiler, fixture.cache).find(sized(1024)).decision.config == tuned(32));
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache, {.force_parity = true});
  const BoundKernel bound = dispatcher.find(sized(1024));
  CHECK(bound.decision.config == fixture.baseline());
  CHECK(bound.plan.steps.at(0).block[0] == 32);  // of the baseline's tile
  CHECK_THAT(bound.decision.why, Contains("NSA_FORCE_PARITY=1"));
}

TEST_CASE("a winner that lost to the baseline is not served", "[runtime]") {
  Fixture fixture;
  fixture.store({.time_us = 120, .baseline_us = 100});
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Fallback);
  CHECK(decision.config == fixture.baseline());
  CHECK_THAT(decision.why, Contains("120.0 us") && Contains("100.0 us"));
}

TEST_CASE("a baseline that won is served as the fallback", "[runtime]") {
  Fixture fixture;
  fixture.store({.config = fixture.baseline(), .time_us = 100, .baseline_us = 100});
  CHECK_THAT(fixture.decide(sized(1024)).why, Contains("packed SDPA was the fastest"));
}

TEST_CASE("a stored config that this build no longer offers is passed over", "[runtime]") {
  Fixture fixture;
  fixture.store({.workload = sized(1024), .config = tuned(48)});
  fixture.store({.workload = sized(8192), .config = tuned(64)});
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Nearest);
  CHECK(decision.config == tuned(64));
}

TEST_CASE("what is passed over is said once, though a tuple's own winners are looked at again as those of its kin", "[runtime]") {
  Fixture fixture;
  fixture.store({.workload = sized(1024), .config = tuned(48)});
  const cache::CapturedStderr captured;
  CHECK(fixture.decide(sized(1024)).grade == Grade::Fallback);
  INFO(captured.text());
  CHECK(captured.lines() == 1);
}

TEST_CASE("a decision is compiled and loaded once and then kept", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache);
  const BoundKernel first = dispatcher.find(sized(1024));
  const BoundKernel again = dispatcher.find(sized(1024));
  const BoundKernel other_size = dispatcher.find(sized(4096));
  CHECK(first.kernel == again.kernel);
  CHECK(first.kernel == other_size.kernel);
  CHECK(fixture.compiler.calls == 1);
  CHECK(fixture.device.state->loads == 1);
  CHECK(other_size.decision.grade == Grade::Nearest);
  CHECK(first.plan.steps.front().grid[0] == 32);
  CHECK(other_size.plan.steps.front().grid[0] == 128);
}

TEST_CASE("a stored binary is loaded without compiling", "[runtime]") {
  Fixture fixture;
  fixture.store({}, binary_record(fixture, tuned(32)));
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache);
  const BoundKernel bound = dispatcher.find(sized(1024));
  CHECK(fixture.compiler.calls == 0);
  CHECK(static_cast<const testing::FakeKernel*>(bound.kernel)->config() == tuned(32));
}

TEST_CASE("a binary of another compiler version is not taken", "[runtime]") {
  Fixture fixture;
  fixture.store({}, binary_record(fixture, tuned(32)));
  fixture.compiler.version = "2";
  Dispatcher(fixture.device, fixture.compiler, fixture.cache).find(sized(1024));
  CHECK(fixture.compiler.calls == 1);
}

TEST_CASE("a winner that no longer compiles falls back with the compiler's reason", "[runtime]") {
  Fixture fixture;
  fixture.compiler.refuse_variant = "query_major";
  fixture.store({});
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache);
  const BoundKernel bound = dispatcher.find(sized(1024));
  CHECK(bound.decision.grade == Grade::Fallback);
  CHECK(bound.decision.config == fixture.baseline());
  CHECK_THAT(bound.decision.why, Contains("fault asked for"));
  CHECK(bound.kernel != nullptr);
}

TEST_CASE("a nearest winner that cannot be launched at these sizes falls back with the reason", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache);
  const BoundKernel bound = dispatcher.find(sized(2 * testing::kFakeLongest));
  CHECK(bound.decision.grade == Grade::Fallback);
  CHECK(bound.decision.config == fixture.baseline());
  CHECK_THAT(bound.decision.why, Contains("too many keys"));
  CHECK_FALSE(bound.plan.steps.empty());
}

TEST_CASE("an impossible workload is refused before anything is looked up", "[runtime]") {
  Fixture fixture;
  Dispatcher dispatcher(fixture.device, fixture.compiler, fixture.cache);
  CHECK_THROWS_AS(dispatcher.find(Workload{.S = 10, .S_kv = 5}), Error);
  CHECK(fixture.compiler.calls == 0);
}

TEST_CASE("grades have names", "[runtime]") {
  CHECK(to_string(Grade::Exact) == "exact");
  CHECK(to_string(Grade::Nearest) == "nearest");
  CHECK(to_string(Grade::Fallback) == "fallback");
}

TEST_CASE("an alias lets the winners of another model serve, where there are none of this one", "[runtime]") {
  Fixture fixture;
  Target measured = testing::fake_target();
  measured.name = "another";
  fixture.cache.store_device({.device = to_string(measured), .name = "another", .backend = "cpu", .arch = arch_name(measured)});
  fixture.store({.workload = sized(1024), .config = tuned(64), .device = to_string(measured)});
  CHECK(fixture.decide(sized(1024)).grade == Grade::Fallback);
  fixture.cache.store_alias({.model = testing::fake_target().name, .measured_on = "another"});
  const Decision decision = fixture.decide(sized(1024));
  CHECK(decision.grade == Grade::Nearest);
  CHECK(decision.config == tuned(64));
  CHECK_THAT(decision.why, Contains("alias") && Contains("name=another"));
  fixture.store({.workload = sized(4096), .config = tuned(16)});
  CHECK(fixture.decide(sized(1024)).config == tuned(16));
}

TEST_CASE("an alias of another architecture serves nothing", "[runtime]") {
  Fixture fixture;
  Target measured = testing::fake_target();
  measured.name = "another";
  fixture.cache.store_device({.device = to_string(measured), .name = "another", .backend = "cuda", .arch = "80"});
  fixture.store({.workload = sized(1024), .config = tuned(64), .device = to_string(measured)});
  fixture.cache.store_alias({.model = testing::fake_target().name, .measured_on = "another"});
  CHECK(fixture.decide(sized(1024)).grade == Grade::Fallback);
}

TEST_CASE("what a dispatcher compiles the next one finds, where the cache can be written", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  Dispatcher(fixture.device, fixture.compiler, fixture.cache).find(sized(1024));
  CHECK(fixture.compiler.calls == 1);
  Dispatcher(fixture.device, fixture.compiler, fixture.cache).find(sized(1024));
  CHECK(fixture.compiler.calls == 1);
}

TEST_CASE("a dispatcher that may only read compiles for itself and leaves nothing behind", "[runtime]") {
  Fixture fixture;
  fixture.store({});
  auto reader = cache::Cache::open(fixture.cache.path(), cache::OpenMode::ReadOnly);
  Dispatcher(fixture.device, fixture.compiler, reader).find(sized(1024));
  Dispatcher(fixture.device, fixture.compiler, reader).find(sized(1024));
  CHECK(fixture.compiler.calls == 2);
  CHECK_FALSE(std::filesystem::exists(fixture.cache.path() + "-lock"));
}

TEST_CASE("frozen, a stored kernel is served and one that is not stored is an error, not the fallback", "[runtime]") {
  Fixture fixture;
  fixture.store({}, binary_record(fixture, tuned(32)));
  fixture.store({.workload = sized(8192), .config = tuned(64)});
  const auto frozen = codegen::make_frozen_compiler(std::make_unique<testing::FakeCompiler>());
  Dispatcher dispatcher(fixture.device, *frozen, fixture.cache);
  CHECK(dispatcher.find(sized(1024)).decision.grade == Grade::Exact);
  CHECK_THROWS_WITH(dispatcher.find(sized(8192)), Contains("frozen mode never compiles"));
  CHECK_THROWS_WITH(Dispatcher(fixture.device, *frozen, fixture.cache).find(Workload{.problem = {.dk = 64}}),
                    Contains("frozen mode never compiles"));
}

}  // namespace nsajit::runtime
