// tune: tunes each tuple of a sweep, on one device or on several of one model, and keeps every outcome in the cache.

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/cache.h"
#include "cache/utc_time.h"
#include "cli/canonical_workloads.h"
#include "cli/captured_workloads.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/session.h"
#include "cli/toolchain.h"
#include "cli/tune_lanes.h"
#include "cli/tuple_options.h"
#include "cli/tuple_text.h"
#include "nsajit/error.h"
#include "tuner/engine.h"
#include "tuner/search.h"
#include "tuner/shared_work.h"
#include "tuner/strategy.h"
#include "tuner/trial_record.h"

namespace nsajit::cli {
namespace {

struct TuneSettings {
  TupleOptions tuples;
  std::string captured;  // a folder; instead of the tuples
  LaneSettings lanes;
  CLI::Option* strategy_option = nullptr;  // a flag wins over the sweep's [tune]
  CLI::Option* trials_option = nullptr;
  CLI::Option* budget_option = nullptr;
  tuner::TuneOptions tune;
  bool resume = true;
};

struct Totals {
  tuner::TuneCounts counts;
  tuner::PhaseTimes phases;
  int without_winner = 0;
  bool interrupted = false;
};

// The sweep's [tune] where no flag says otherwise.
tuner::TuneOptions merge_options(const TuneSettings& settings, const Sweep& sweep) {
  auto options = settings.tune;
  if (sweep.strategy && settings.strategy_option->empty()) options.strategy = *sweep.strategy;
  if (sweep.max_trials && settings.trials_option->empty()) options.max_trials = *sweep.max_trials;
  if (sweep.budget_s && settings.budget_option->empty()) options.budget_s = *sweep.budget_s;
  tuner::make_strategy(options.strategy, {.candidates = 1});  // refuses an unknown name before a run begins
  return options;
}

std::int64_t begin_run(cache::Cache& cache, const Session& session, const Target& target,
                       const codegen::CompilerIdentity& compiler) {
  cache.store_device(tuner::make_device_record(target));
  return cache.begin_run({.command = session.command_line,
                          .device = to_string(target),
                          .nsajit_version = std::string(program_version()),
                          .started_utc = cache::utc_now(),
                          .toolchain = fmt::format("{} {} {}", compiler.name, compiler.version, compiler.options)});
}

void add(Totals& totals, const tuner::TuneReport& report) {
  totals.counts.compiled += report.counts.compiled;
  totals.counts.measured += report.counts.measured;
  totals.counts.reused += report.counts.reused;
  totals.counts.rejected += report.counts.rejected;
  totals.phases.compile_s += report.phases.compile_s;
  totals.phases.parity_s += report.phases.parity_s;
  totals.phases.measure_s += report.phases.measure_s;
  totals.phases.final_s += report.phases.final_s;
  totals.phases.threshold_s += report.phases.threshold_s;
  totals.phases.total_s += report.phases.total_s;
  totals.interrupted = totals.interrupted || report.interrupted;
  if (!report.interrupted && report.winner.trial == 0) ++totals.without_winner;
}

std::string describe_counts(const tuner::TuneCounts& counts) {
  return fmt::format("{} compiled, {} measured, {} reused, {} rejected", counts.compiled, counts.measured, counts.reused,
                     counts.rejected);
}

std::string describe_phases(const tuner::PhaseTimes& phases) {
  return fmt::format("compile {:.1f} s, parity {:.1f} s, measure {:.1f} s, final {:.1f} s, threshold {:.1f} s, total {:.1f} s",
                     phases.compile_s, phases.parity_s, phases.measure_s, phases.final_s, phases.threshold_s, phases.total_s);
}

// Why the default, which every user would get, did not pass; else why the first candidate did not.
std::string first_rejection(cache::Cache& cache, const Workload& workload, const Target& target) {
  for (const auto& trial : cache.trials()) {
    if (trial.workload != to_string(workload) || trial.device != to_string(target) || trial.baseline) continue;
    if (trial.status != cache::TrialStatus::Measured)
      return fmt::format("{}: {}: {}", trial.config, to_string(trial.status), trial.reason);
  }
  return "no candidate was tried";
}

// After the baseline's line; nothing for an operation without a threshold.
std::string describe_threshold(const cache::ThresholdRecord& threshold, std::string_view after) {
  return threshold.name.empty() ? std::string() : fmt::format("; {}={}{}", threshold.name, threshold.value, after);
}

void print_winner(const tuner::TuneReport& report) {
  const auto& winner = report.winner;
  fmt::print("    winner    {}  {:.4g} ms\n", winner.config, winner.time_us / 1e3);
  if (winner.baseline_us > 0) {
    fmt::print("    baseline  packed SDPA  {:.4g} ms, speed-up {:.2f}x{}\n", winner.baseline_us / 1e3,
               winner.baseline_us / winner.time_us, describe_threshold(report.threshold, ""));
  } else {
    fmt::print("    baseline  packed SDPA failed (nsajit report says why){}\n",
               describe_threshold(report.threshold, ", not known"));
  }
}

void print_outcome(std::size_t index, std::size_t count, const Workload& workload, const tuner::TuneReport& report,
                   TuneLane& lane) {
  fmt::print("[{}/{}] {}, {}{}\n", index + 1, count, short_problem(workload.problem), short_workload(workload),
             report.from_cache ? " (from the cache)" : "");
  if (report.winner.trial != 0)
    print_winner(report);
  else if (report.interrupted)
    fmt::print("    interrupted; its trials are kept, run the same command to go on\n");
  else
    fmt::print("    no winner: {}\n", first_rejection(lane.cache, workload, lane.runner->target()));
  fmt::print("    {} candidates; {}; {}\n", report.counts.candidates, describe_counts(report.counts),
             describe_phases(report.phases));
  std::fflush(stdout);
}

ExitCode finish(const Totals& totals, std::size_t tuples, const std::string& cache_path) {
  fmt::print("{}\n{}\n", describe_counts(totals.counts), describe_phases(totals.phases));
  if (totals.interrupted) {
    fmt::print("interrupted; what was done is kept in {}; run the same command to go on\n", cache_path);
    return ExitCode::Interrupted;
  }
  if (totals.without_winner > 0) {
    fmt::print("{} of {} tuples without a winner\n", totals.without_winner, tuples);
    return ExitCode::Rejected;
  }
  return ExitCode::Done;
}

Sweep read_workloads(const TuneSettings& settings) {
  if (settings.captured.empty()) return read_tuples(settings.tuples);
  const TupleOptions& tuples = settings.tuples;
  if (!tuples.sweep_path.empty() || !tuples.problem_text.empty() || !tuples.fields.empty() || !tuples.selection_path.empty())
    throw Error(ErrorCode::InvalidArgument,
                "--captured and --sweep or the flags of a tuple exclude each other; give one of them");
  return read_captured(settings.captured);
}

// What the lanes share while they tune.
struct SweepRun {
  const std::vector<Workload>& workloads;
  const tuner::TuneOptions& options;
  TuneLanes& lanes;
  std::int64_t run = 0;
  const std::atomic<bool>& stop;
  std::mutex mutex;  // of the terminal and the totals
  Totals totals;
};

void tune_one(SweepRun& sweep, std::size_t lane_index, std::size_t index) {
  if (sweep.stop) return;
  const Workload& workload = sweep.workloads[index];
  TuneLane& lane = sweep.lanes.lanes[lane_index];
  lane.progress.begin(index, sweep.workloads.size(), short_problem(workload.problem));
  const auto show = [&](const tuner::Progress& step) {
    const std::lock_guard lock(sweep.mutex);
    lane.progress.update(step);
  };
  tuner::Engine engine{.op = find_op(workload.problem),
                       .compiler = *sweep.lanes.compiler,
                       .runner = *lane.runner,
                       .cache = lane.cache,
                       .compilations = *lane.compilations,
                       .run = sweep.run,
                       .on_progress = show,
                       .stop = &sweep.stop};
  // With several devices, who takes the next one is not known yet.
  if (sweep.lanes.lanes.size() == 1 && index + 1 < sweep.workloads.size()) {
    const Workload& next = sweep.workloads[index + 1];
    engine.next = {.op = &find_op(next.problem), .workload = &next};
  }
  const auto report = tuner::tune(engine, workload, sweep.options);
  const std::lock_guard lock(sweep.mutex);
  lane.progress.clear();
  print_outcome(index, sweep.workloads.size(), workload, report, lane);
  add(sweep.totals, report);
}

ExitCode run_tune(const Session& session, const TuneSettings& settings) {
  Sweep sweep = read_workloads(settings);
  sweep.workloads = canonical_workloads(sweep.workloads);  // refuses what no operation serves before anything is done
  auto lanes = open_lanes(settings.lanes, sweep.recordings, session.environment);
  const auto options = merge_options(settings, sweep);
  const bool frozen = session.environment.frozen;
  auto& cache = lanes.lanes.front().cache;
  const auto run = frozen ? 0 : begin_run(cache, session, lanes.target(), lanes.compiler->identity());

  const InterruptGuard interrupt;
  const std::size_t count = sweep.workloads.size(), devices = lanes.lanes.size();
  const tuner::Stopwatch clock;
  fmt::print("tuning {} tuple{} on {}{}; cache {}\n", count, count == 1 ? "" : "s",
             devices == 1 ? "" : fmt::format("{} of ", devices), lanes.target().name, settings.lanes.cache);
  SweepRun work{.workloads = sweep.workloads, .options = options, .lanes = lanes, .run = run, .stop = interrupt.requested()};
  tuner::share_work(devices, count, [&](std::size_t lane, std::size_t index) { tune_one(work, lane, index); });
  work.totals.interrupted = work.totals.interrupted || work.stop;
  if (!frozen) cache.finish_run(run);
  if (devices > 1) fmt::print("{} devices, {:.1f} s\n", devices, clock.seconds());
  return finish(work.totals, count, settings.lanes.cache);
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("tune", "Finds the fastest correct kernel for each tuple and stores it");
  command->footer(
      "Examples:\n  nsajit tune --sweep sweeps/quick.toml --device cpu\n"
      "  nsajit tune --dtype bf16 --dk 128 --dv 128 --group 16 --S 8192 --G 4 --overlap 0,50 --budget 60\n"
      "  nsajit tune --dtype bf16 --dk 128 --dv 128 --group 16 --selection layer7.npy\n"
      "  nsajit tune --sweep sweeps/users.toml --device cuda:0,cuda:1,cuda:2,cuda:3\n"
      "  NSAJIT_CAPTURE=seen ./my_program; nsajit tune --captured seen\n"
      "Ctrl-C keeps what is done; the same command goes on from there.");
  const auto settings = std::make_shared<TuneSettings>();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTupleOrSweep);
  command->add_option("--captured", settings->captured, "Folder that NSAJIT_CAPTURE named: tune what programs asked for");
  add_device_option(*command, settings->lanes.device);
  command->get_option("--device")
      ->description("auto (the first GPU, else the CPU), cpu, cuda or cuda:N; several GPUs: cuda:0,cuda:1");
  add_cache_option(*command, settings->lanes.cache, session);
  settings->budget_option = command->add_option("--budget", settings->tune.budget_s, "Seconds of search per tuple; 0 = no limit")
                                ->check(CLI::NonNegativeNumber);
  settings->trials_option = command->add_option("--max-trials", settings->tune.max_trials, "Candidates timed per tuple; 0 = all")
                                ->check(CLI::NonNegativeNumber);
  settings->strategy_option =
      command->add_option("--strategy", settings->tune.strategy, tuner::strategy_names())->capture_default_str();
  command->add_option("--rounds", settings->tune.screening.rounds, "Samples per candidate before the final race")
      ->check(CLI::Range(3, 1000))
      ->capture_default_str();
  command->add_option("--seed", settings->tune.seed, "Seed of the random strategy")->capture_default_str();
  command->add_option("--margin", settings->tune.margin, "Speed-up over packed SDPA from the stored threshold on")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--fresh", settings->tune.fresh, "Measure anew: stored trials and decisions are not used, stored code is");
  command->add_flag("--resume", settings->resume, "Reuse stored trials (always on; accepted for scripts that say it)");
  command->add_flag("--in-process", settings->lanes.in_process, "No worker process: a crash ends the program; for debugging");
  command->add_option("--worker-timeout", settings->lanes.worker_timeout_s, "Seconds after which a trial counts as hung")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--compile-timeout", settings->lanes.compile_timeout_s, "Seconds after which a compilation is killed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([&session, settings] { session.result = run_tune(session, *settings); });
}

}  // namespace nsajit::cli
