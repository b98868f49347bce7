// Engine: what is compiled, timed, reused and decided, over a fake operation, compiler and runner and a real cache.

#include "tuner/engine.h"

#include <catch2/catch_all.hpp>

#include "cache/record_json.h"
#include "nsajit/error.h"
#include "tests/tuner/tuned_process.h"
#include "tuner/candidates.h"

namespace {

using namespace nsajit;
using nsajit::testing::FakeOp;
using nsajit::testing::Fault;
using nsajit::testing::TemporaryFolder;
using Process = nsajit::testing::TunedProcess;

constexpr int kValid = 8;  // configs of FakeOp's space without faults

}  // namespace

TEST_CASE("the fastest candidate wins and its numbers can be traced") {
  const TemporaryFolder folder;
  Process process(folder);
  const auto report = process.tune();
  CHECK(report.winner.config == "query_major{fault=0,stages=2,tile=32}");
  CHECK(report.winner.time_us < report.winner.baseline_us);
  CHECK(report.winner_trial.id == report.winner.trial);
  CHECK(report.counts.candidates == kValid);
  CHECK(report.counts.compiled == kValid + 1);
  CHECK(report.counts.measured == kValid + 1);
  CHECK(report.counts.reused == 0);
  CHECK_FALSE(report.from_cache);
  CHECK(process.cache.find_parity(report.winner.trial).size() == 1);
  CHECK(process.cache.find_trial(report.winner.baseline_trial)->baseline);
}

TEST_CASE("a second run compiles and measures nothing") {
  const TemporaryFolder folder;
  const auto first = Process(folder).tune();
  Process second(folder);
  const auto report = second.tune();
  CHECK(report.from_cache);
  CHECK(report.winner.config == first.winner.config);
  CHECK(report.winner.trial == first.winner.trial);
  CHECK(report.threshold.value == first.threshold.value);
  CHECK(second.compiler.calls == 0);
  CHECK(second.runner.trials.empty());
  CHECK(second.runner.races.empty());
  CHECK(report.counts.compiled == 0);
  CHECK(report.counts.measured == 0);
  CHECK(report.counts.reused == kValid + 1);
}

TEST_CASE("a second workload of the same tuple reuses the compiled kernels") {
  const TemporaryFolder folder;
  Process(folder).tune();
  Process second(folder);
  second.workload.S = 512;
  const auto report = second.tune();
  CHECK_FALSE(report.from_cache);
  CHECK(second.compiler.calls == 0);
  CHECK(report.counts.measured == kValid + 1);
}

TEST_CASE("the first kernels of the next tuning are compiled beside this one's trials, and are counted as its own") {
  const TemporaryFolder folder;
  Process process(folder);
  tuner::CompileQueue compilations(process.compiler, process.runner.facts, process.compile_threads, folder.file("cache.db"));
  process.compilations = &compilations;
  Workload other = process.workload;
  other.problem.dk = 64;  // kernels of its own
  process.next = &other;
  CHECK(process.tune().counts.compiled == kValid + 1);
  const int early = process.compiler.calls - (kValid + 1);
  CHECK(early <= 3);  // its default, its baseline and one more: a kernel per thread and one that waits
  const auto set =
      tuner::make_candidates(process.op, canonical(process.op, other), process.runner.facts, process.compiler.identity());
  CHECK(compilations.has_early(set.baseline.trial_key.kernel));
  CHECK(compilations.has_early(set.offered.front().trial_key.kernel));

  process.workload = other;
  process.next = nullptr;
  const auto report = process.tune();
  CHECK(report.counts.compiled == kValid + 1);
  CHECK(report.counts.measured == kValid + 1);
  CHECK(process.compiler.calls == 2 * (kValid + 1));  // nothing twice
  CHECK(process.runner.ready.size() == 2);
}

TEST_CASE("nothing is compiled early for a tuning whose winner is stored") {
  const TemporaryFolder folder;
  Process process(folder);
  Workload other = process.workload;
  other.problem.dk = 64;
  std::swap(process.workload, other);
  process.tune();
  std::swap(process.workload, other);
  tuner::CompileQueue compilations(process.compiler, process.runner.facts, process.compile_threads, folder.file("cache.db"));
  process.compilations = &compilations;
  process.next = &other;
  process.tune();
  CHECK(process.compiler.calls == 2 * (kValid + 1));
  process.workload = other;
  CHECK(process.tune().from_cache);
  CHECK(process.runner.ready.size() == 2);  // nor is a runner made ready for it
}

TEST_CASE("an interrupted run keeps its trials and the next one resumes from them") {
  const TemporaryFolder folder;
  {
    Process first(folder);
    first.runner.after_trial = [&] {
      if (first.runner.trials.size() == 4) first.stop = true;
    };
    const auto report = first.tune();
    CHECK(report.interrupted);
    CHECK(report.winner.trial == 0);
    CHECK(first.cache.winners().empty());
    CHECK(first.cache.trials().size() == 4);
  }
  Process second(folder);
  const auto report = second.tune();
  CHECK_FALSE(report.interrupted);
  CHECK(report.counts.reused == 4);
  CHECK(report.counts.measured == kValid + 1 - 4);
  CHECK(second.runner.trials.size() == kValid + 1 - 4);
  CHECK(report.winner.trial != 0);
}

TEST_CASE("a run interrupted before its threshold is finished by the next one without new trials") {
  const TemporaryFolder folder;
  {
    Process first(folder);
    first.on_progress = [&](const tuner::Progress& progress) {
      if (progress.phase == "threshold") first.stop = true;
    };
    const auto report = first.tune();
    CHECK(report.interrupted);
    CHECK(first.cache.thresholds().empty());
  }
  Process second(folder);
  const auto report = second.tune();
  CHECK(second.runner.trials.empty());
  CHECK(second.cache.thresholds().size() == 1);
  CHECK_FALSE(report.from_cache);
}

TEST_CASE("a candidate that does not compile is one rejected row and is not compiled again") {
  const TemporaryFolder folder;
  {
    Process first(folder, {Fault::None, Fault::CompileError});
    const auto report = first.tune();
    CHECK(report.counts.rejected == kValid);
    CHECK(report.counts.measured == kValid + 1);
    CHECK(report.winner.config == "query_major{fault=0,stages=2,tile=32}");
  }
  Process second(folder, {Fault::None, Fault::CompileError});
  second.options.finalists = 4;  // another search over the same trials
  const auto report = second.tune();
  CHECK(second.compiler.calls == 0);
  CHECK(report.counts.rejected == kValid);
  const auto trials = second.cache.trials();
  CHECK(std::count_if(trials.begin(), trials.end(), [](const auto& trial) {
          return trial.status == cache::TrialStatus::CompileError && !trial.log.empty();
        }) == kValid);
}

TEST_CASE("a candidate that the gate rejects never wins, however fast, and leaves no binary") {
  const TemporaryFolder folder;
  Process process(folder, {Fault::NanRow, Fault::None});
  process.runner.model = [](const Config& config, const LaunchPlan&) { return config.at("fault") == 0 ? 100.0 : 1.0; };
  const auto report = process.tune();
  CHECK(parse_config(report.winner.config).at("fault") == 0);
  CHECK(report.counts.rejected == kValid);
  for (const auto& trial : process.cache.trials()) {
    CHECK(process.cache.find_binary(trial.kernel_key).has_value() == (trial.status == cache::TrialStatus::Measured));
  }
}

TEST_CASE("a winner that lies within noise keeps the default") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.spread = 0.05;
  process.runner.model = [&](const Config& config, const LaunchPlan&) {
    return config == process.default_config() ? 103.0 : 100.0;
  };
  CHECK(process.tune().winner.config == to_string(process.default_config()));
}

TEST_CASE("the default and the baseline race even where the budget and the finalists leave them out") {
  const TemporaryFolder folder;
  Process process(folder);
  process.options.finalists = 1;
  process.options.budget_s = 1e-9;
  const auto report = process.tune();
  const std::string first = to_string(process.default_config());
  CHECK(process.runner.trials.front() == first);
  REQUIRE_FALSE(process.runner.races.empty());
  const auto& race = process.runner.races.front();
  CHECK(std::count(race.begin(), race.end(), first) == 1);
  CHECK(std::count(race.begin(), race.end(), "packed_sdpa{fault=0,stages=1,tile=32}") == 1);
  CHECK(report.winner.trial != 0);
}

TEST_CASE("a slow default still races against the finalists") {
  const TemporaryFolder folder;
  Process process(folder);
  process.options.finalists = 2;
  process.tune();
  const auto& race = process.runner.races.front();
  CHECK(race.size() == 4);
  CHECK(std::count(race.begin(), race.end(), to_string(process.default_config())) == 1);
}

TEST_CASE("nothing is decided where every candidate fails") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.failing_variant = "query_major";
  const auto report = process.tune();
  CHECK(report.winner.trial == 0);
  CHECK(report.counts.rejected == kValid);
  CHECK(process.cache.winners().empty());
  CHECK(process.cache.thresholds().empty());
  CHECK(process.runner.races.empty());
}

TEST_CASE("a baseline that fails leaves the threshold unknown and says why") {
  const TemporaryFolder folder;
  Process process(folder);
  process.runner.failing_variant = "packed_sdpa";
  const auto report = process.tune();
  CHECK(report.winner.trial != 0);
  CHECK(report.winner.baseline_us == 0);
  CHECK(report.threshold.value == -1);
  CHECK(report.threshold.ladder_json == "[]");
  CHECK(process.cache.thresholds().empty());  // a stored -1 would have the failed baseline served
  CHECK(report.winner.baseline_trial == 0);
  const auto trials = process.cache.trials();
  CHECK(std::count_if(trials.begin(), trials.end(),
                      [](const auto& trial) { return trial.baseline && trial.reason == "asked to fail"; }) == 1);
  CHECK(process.tune().from_cache);  // known to fail: not compared again
}

TEST_CASE("no more than the asked number of trials is run") {
  const TemporaryFolder folder;
  Process process(folder);
  process.options.max_trials = 3;
  process.tune();
  CHECK(process.runner.trials.size() == 3 + 1);
}

TEST_CASE("candidates are tried in the same order with and without compile threads") {
  const TemporaryFolder folder_a;
  const TemporaryFolder folder_b;
  Process inline_compiled(folder_a);
  inline_compiled.compile_threads = 0;
  Process threaded(folder_b);
  threaded.compile_threads = 3;
  inline_compiled.tune();
  threaded.tune();
  CHECK(inline_compiled.runner.trials == threaded.runner.trials);
}

TEST_CASE("an impossible workload is refused before anything is tried") {
  const TemporaryFolder folder;
  Process process(folder);
  process.workload.problem.dk = 7;
  CHECK_THROWS_AS(process.tune(), Error);
  CHECK(process.compiler.calls == 0);
}

TEST_CASE("an operation without a threshold stores its winner, climbs no ladder and is known the next time") {
  const TemporaryFolder folder;
  Process first(folder, FakeOp({Fault::None}, ""));
  const auto report = first.tune();
  CHECK(report.winner.config == "query_major{fault=0,stages=2,tile=32}");
  CHECK(report.threshold.name.empty());
  CHECK(first.runner.races.size() == 1);  // of the finalists
  CHECK(first.cache.thresholds().empty());
  CHECK_FALSE(report.from_cache);

  Process second(folder, FakeOp({Fault::None}, ""));
  CHECK(second.tune().from_cache);
  CHECK(second.runner.races.empty());
}

TEST_CASE("a compilation that exceeded its limit is a class of its own and is not tried again") {
  const TemporaryFolder folder;
  Process process(folder, {Fault::None, Fault::CompileError});
  process.compiler.refuse_by_time = true;
  process.tune();
  int timeouts = 0;
  for (const auto& trial : process.cache.trials()) timeouts += trial.status == cache::TrialStatus::CompileTimeout ? 1 : 0;
  CHECK(timeouts == kValid);

  const int calls = process.compiler.calls;
  process.options.seed = 99;  // another search, so that no stored winner answers it
  process.tune();
  CHECK(process.compiler.calls == calls);
}

TEST_CASE("a search that costs steer finds the winner, and stores every sample it took") {
  const auto* strategy = GENERATE("halving", "local", "learned");
  const TemporaryFolder folder;
  Process process(folder);
  process.options.strategy = strategy;
  const auto report = process.tune();
  CHECK(report.winner.config == "query_major{fault=0,stages=2,tile=32}");
  CHECK(process.cache.trials().size() == static_cast<std::size_t>(kValid) + 1);
  CHECK(process.runner.trials.size() >= static_cast<std::size_t>(kValid));
}

TEST_CASE("a search for a second tuple starts from what the first one taught") {
  const TemporaryFolder folder;
  Process process(folder);
  process.tune();
  process.runner.trials.clear();
  process.workload.problem.dk = 64;
  process.options.strategy = "learned";
  process.options.max_trials = 2;
  const auto report = process.tune();
  CHECK(report.winner.config == "query_major{fault=0,stages=2,tile=32}");
}
