// tune: tunes each tuple of a sweep on one device and keeps every outcome in the cache.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/cache.h"
#include "cache/utc_time.h"
#include "cli/captured_workloads.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/session.h"
#include "cli/toolchain.h"
#include "cli/tuple_options.h"
#include "cli/tuple_text.h"
#include "nsajit/error.h"
#include "tuner/engine.h"
#include "tuner/frozen_runner.h"
#include "tuner/killable_compiler.h"
#include "tuner/strategy.h"
#include "tuner/trial_record.h"
#include "tuner/worker_runner.h"

namespace nsajit::cli {
namespace {

constexpr int kMostCompileThreads = 8;  // each NVRTC compilation holds some hundred MiB

struct TuneSettings {
  TupleOptions tuples;
  std::string captured;  // a folder; instead of the tuples
  std::string device = "auto";
  std::string cache;
  CLI::Option* strategy_option = nullptr;  // a flag wins over the sweep's [tune]
  CLI::Option* trials_option = nullptr;
  CLI::Option* budget_option = nullptr;
  tuner::TuneOptions tune;
  bool resume = true;
  bool in_process = false;
  double worker_timeout_s = 60;
  double compile_timeout_s = 120;
};

// The runner and what it borrows.
struct OwnedRunner {
  std::unique_ptr<runtime::Device> device;  // in-process only
  std::unique_ptr<tuner::TrialRunner> runner;
};

struct Totals {
  tuner::TuneCounts counts;
  tuner::PhaseTimes phases;
  int without_winner = 0;
  bool interrupted = false;
};

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

OwnedRunner make_thawed_runner(const TuneSettings& settings, const Recordings& recordings, const Environment& environment) {
  OwnedRunner owned;
  if (settings.in_process) {
    owned.device = runtime::make_device(settings.device, environment);
    owned.runner = tuner::make_local_runner(*owned.device, &recordings);
    return owned;
  }
  owned.runner = tuner::make_worker_runner({.program = own_program(),
                                            .device = settings.device,
                                            .timeout_s = settings.worker_timeout_s,
                                            .selections = recordings.paths()});
  return owned;
}

OwnedRunner make_runner(const TuneSettings& settings, const Recordings& recordings, const Environment& environment) {
  OwnedRunner owned = make_thawed_runner(settings, recordings, environment);
  if (environment.frozen) owned.runner = tuner::make_frozen_runner(std::move(owned.runner));
  return owned;
}

// In process, nothing bounds a compilation, as nothing bounds a trial.
std::unique_ptr<codegen::Compiler> make_tune_compiler(const TuneSettings& settings, Backend backend,
                                                      const Environment& environment) {
  auto compiler = codegen::make_compiler(backend, environment);
  if (settings.in_process || environment.frozen) return compiler;
  return tuner::make_killable_compiler(compiler->identity(),
                                       {.command = {own_program(), "worker", "--compile", std::string(to_string(backend))},
                                        .limit_s = settings.compile_timeout_s});
}

// The sweep's [tune] where no flag says otherwise.
tuner::TuneOptions merge_options(const TuneSettings& settings, const Sweep& sweep, const Target& target) {
  auto options = settings.tune;
  if (sweep.strategy && settings.strategy_option->empty()) options.strategy = *sweep.strategy;
  if (sweep.max_trials && settings.trials_option->empty()) options.max_trials = *sweep.max_trials;
  if (sweep.budget_s && settings.budget_option->empty()) options.budget_s = *sweep.budget_s;
  // Compiling beside a kernel that is being timed on the same processors would spoil its time.
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  options.compile_threads = target.backend == Backend::Cpu ? 0 : std::clamp(threads / 2, 1, kMostCompileThreads);
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
                   cache::Cache& cache, const Target& target) {
  fmt::print("[{}/{}] {}, {}{}\n", index + 1, count, short_problem(workload.problem), short_workload(workload),
             report.from_cache ? " (from the cache)" : "");
  if (report.winner.trial != 0)
    print_winner(report);
  else if (report.interrupted)
    fmt::print("    interrupted; its trials are kept, run the same command to go on\n");
  else
    fmt::print("    no winner: {}\n", first_rejection(cache, workload, target));
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
    throw Error(ErrorCode::InvalidArgument, "--captured and --sweep or the flags of a tuple exclude each other; give one of them");
  return read_captured(settings.captured);
}

ExitCode run_tune(const Session& session, const TuneSettings& settings) {
  const Sweep sweep = read_workloads(settings);
  for (const auto& workload : sweep.workloads) find_op(workload.problem);  // refuse before anything is done
  const auto owned = make_runner(settings, sweep.recordings, session.environment);
  const Target& target = owned.runner->target();
  const auto compiler = make_tune_compiler(settings, target.backend, session.environment);
  const bool frozen = session.environment.frozen;
  // Last: a machine that cannot tune gets no file.
  auto cache = cache::Cache::open(settings.cache, frozen ? cache::OpenMode::ReadOnly : cache::OpenMode::ReadWrite);
  const auto options = merge_options(settings, sweep, target);
  const auto run = frozen ? 0 : begin_run(cache, session, target, compiler->identity());

  const InterruptGuard interrupt;
  ProgressLine progress(isatty(STDERR_FILENO) != 0);
  Totals totals;
  fmt::print("tuning {} tuple{} on {}; cache {}\n", sweep.workloads.size(), sweep.workloads.size() == 1 ? "" : "s", target.name,
             settings.cache);
  for (std::size_t index = 0; index < sweep.workloads.size() && !totals.interrupted; ++index) {
    const Workload& workload = sweep.workloads[index];
    progress.begin(index, sweep.workloads.size(), short_problem(workload.problem));
    tuner::Engine engine{.op = find_op(workload.problem),
                         .compiler = *compiler,
                         .runner = *owned.runner,
                         .cache = cache,
                         .run = run,
                         .on_progress = [&](const tuner::Progress& step) { progress.update(step); },
                         .stop = &interrupt.requested()};
    const auto report = tuner::tune(engine, workload, options);
    progress.clear();
    print_outcome(index, sweep.workloads.size(), workload, report, cache, target);
    add(totals, report);
  }
  if (!frozen) cache.finish_run(run);
  return finish(totals, sweep.workloads.size(), settings.cache);
}

}  // namespace

void add_tune(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("tune", "Finds the fastest correct kernel for each tuple and stores it");
  command->footer(
      "Examples:\n  nsajit tune --sweep sweeps/quick.toml --device cpu\n"
      "  nsajit tune --dtype bf16 --dk 128 --dv 128 --group 16 --S 8192 --G 4 --overlap 0,50 --budget 60\n"
      "  nsajit tune --dtype bf16 --dk 128 --dv 128 --group 16 --selection layer7.npy\n"
      "  NSAJIT_CAPTURE=seen ./my_program; nsajit tune --captured seen\n"
      "Ctrl-C keeps what is done; the same command goes on from there.");
  const auto settings = std::make_shared<TuneSettings>();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTupleOrSweep);
  command->add_option("--captured", settings->captured, "Folder that NSAJIT_CAPTURE named: tune what programs asked for");
  add_device_option(*command, settings->device);
  add_cache_option(*command, settings->cache, session);
  settings->budget_option = command->add_option("--budget", settings->tune.budget_s, "Seconds of search per tuple; 0 = no limit")
                                ->check(CLI::NonNegativeNumber);
  settings->trials_option = command->add_option("--max-trials", settings->tune.max_trials, "Candidates tried per tuple; 0 = all")
                                ->check(CLI::NonNegativeNumber);
  settings->strategy_option =
      command->add_option("--strategy", settings->tune.strategy, tuner::strategy_names())->capture_default_str();
  command->add_option("--rounds", settings->tune.screening.rounds, "Samples per candidate before the final race")
      ->check(CLI::Range(3, 1000))
      ->capture_default_str();
  command->add_option("--seed", settings->tune.seed, "Seed of the random strategy")->capture_default_str();
  command->add_option("--margin", settings->tune.margin, "Speed-up over packed SDPA from which a winner is served")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--resume", settings->resume, "Reuse stored trials (always on; accepted for scripts that say it)");
  command->add_flag("--in-process", settings->in_process, "No worker process: a crash ends the program; for debugging");
  command->add_option("--worker-timeout", settings->worker_timeout_s, "Seconds after which a trial counts as hung")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--compile-timeout", settings->compile_timeout_s, "Seconds after which a compilation is killed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([&session, settings] { session.result = run_tune(session, *settings); });
}

}  // namespace nsajit::cli
