// bench: times the kernels of an operation against packed SDPA, interleaved in one run, and writes what users parse.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/utc_time.h"
#include "cli/bench_case.h"
#include "cli/bench_decode.h"
#include "cli/bench_format.h"
#include "cli/bench_forward.h"
#include "cli/bench_lookup.h"
#include "cli/bench_shapes.h"
#include "cli/bench_start.h"
#include "cli/canonical_workloads.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/session.h"
#include "cli/toolchain.h"
#include "cli/tuple_text.h"
#include "nsajit/error.h"
#include "tuner/worker_runner.h"

namespace nsajit::cli {
namespace {

constexpr int kMostCompileThreads = 8;  // each NVRTC compilation holds some hundred MiB

struct BenchCommand {
  BenchShapes shapes;
  std::string device = "auto";
  std::string cache;
  std::string json;
  std::string csv;
  double worker_timeout_s = 120;
  BenchSettings settings;
};

Sweep read_workloads(const BenchShapes& shapes) {
  Sweep sweep = read_bench_shapes(shapes);
  for (const auto& workload : sweep.workloads) {
    if (workload.problem.branch != Branch::Selection)
      throw Error(ErrorCode::InvalidArgument, fmt::format("bench selection: {} is another branch", to_string(workload)));
  }
  return sweep;
}

std::optional<double> apart_percent(const BenchCase& bench_case) {
  const BenchEntry* twin = nullptr;
  for (const auto& entry : bench_case.entries) {
    if (entry.roles.front() == kTwinRole && entry.status == cache::TrialStatus::Measured) twin = &entry;
  }
  if (twin == nullptr) return std::nullopt;
  for (const auto& entry : bench_case.entries) {
    if (&entry == twin || entry.config != twin->config) continue;
    return 100 * std::abs(twin->timing.summary.median / entry.timing.summary.median - 1);
  }
  return std::nullopt;
}

void print_case(const BenchCase& bench_case, bool predicted) {
  fmt::print("{}", format_bench_table(bench_case));
  if (predicted) fmt::print("{}", format_bench_predictions(bench_case));
  if (const auto apart = apart_percent(bench_case)) fmt::print("A/A: {:.2f} % apart\n", *apart);
  fmt::print("\n");
  std::fflush(stdout);
}

bool rejected(const BenchCase& bench_case) {
  return std::any_of(bench_case.entries.begin(), bench_case.entries.end(),
                     [](const BenchEntry& entry) { return entry.status != cache::TrialStatus::Measured; });
}

ExitCode run_bench(const Session& session, const BenchCommand& command) {
  Sweep sweep = read_workloads(command.shapes);
  sweep.workloads = canonical_workloads(sweep.workloads);  // refuses what no operation serves before anything is done
  const auto& workloads = sweep.workloads;
  if (session.environment.frozen) {
    throw Error(ErrorCode::Frozen,
                "cannot run a benchmark: frozen mode never measures; run it without --frozen and NSAJIT_FROZEN");
  }
  OutputFile json(command.json), csv(command.csv);
  const auto runner = tuner::make_worker_runner({.program = std::filesystem::read_symlink("/proc/self/exe").string(),
                                                 .device = command.device,
                                                 .timeout_s = command.worker_timeout_s,
                                                 .selections = sweep.recordings.paths()});
  const Target& target = runner->target();
  const auto compiler = codegen::make_compiler(target.backend, session.environment);
  auto cache = cache::Cache::open(command.cache, cache::OpenMode::ReadOnly);
  auto settings = command.settings;
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  settings.compile_threads = target.backend == Backend::Cpu ? 0 : std::clamp(threads / 2, 1, kMostCompileThreads);

  const InterruptGuard interrupt;
  ProgressLine progress(isatty(STDERR_FILENO) != 0);
  BenchTools tools{
      .compiler = *compiler, .runner = *runner, .cache = cache, .progress = progress, .recordings = sweep.recordings};
  BenchRun run{.target = target,
               .compiler = compiler->identity(),
               .nsajit_version = std::string(program_version()),
               .command = session.command_line,
               .created_utc = cache::utc_now(),
               .rounds = settings.measure.rounds};
  fmt::print("{} on {}, {} rounds, interleaved, cold cache\n\n",
             workloads.size() == 1 ? "1 shape" : fmt::format("{} shapes", workloads.size()), target.name,
             settings.measure.rounds);
  for (std::size_t index = 0; index < workloads.size() && !interrupt.requested(); ++index) {
    progress.begin(index, workloads.size(), short_problem(workloads[index].problem));
    run.cases.push_back(run_bench_case(tools, workloads[index], settings));
    progress.clear();
    print_case(run.cases.back(), settings.predicted);
  }
  json.write(format_bench_json(run));
  csv.write(format_bench_csv(run));
  if (interrupt.requested()) return ExitCode::Interrupted;
  return std::any_of(run.cases.begin(), run.cases.end(), rejected) ? ExitCode::Rejected : ExitCode::Done;
}

void add_bench_selection(CLI::App& bench, Session& session) {
  auto* command = bench.add_subcommand("selection", "Selection kernels against packed SDPA, interleaved, with a cold cache");
  command->footer(
      "Examples:\n  nsajit bench selection --shapes bench/shapes/table1.toml --device cuda --json table1.json --csv table1.csv\n"
      "  nsajit bench selection --shapes 'S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1' --overlap 0,50\n"
      "  nsajit bench selection --dtype bf16 --dk 128 --dv 128 --group 16 --selection layer7.npy\n"
      "  nsajit bench selection --dtype fp32 --dk 64 --dv 64 --group 6 --S 256 --G 2 --n-sel 4 --device cpu --configs default");
  const auto values = std::make_shared<BenchCommand>();
  add_shape_options(*command, values->shapes);
  add_device_option(*command, values->device);
  add_cache_option(*command, values->cache, session);
  command->add_option("--configs", values->settings.configs, "default, cached (what is served), all-variants, or a config")
      ->capture_default_str();
  command->add_option("--rounds", values->settings.measure.rounds, "Samples per kernel")
      ->check(CLI::Range(3, 100000))
      ->capture_default_str();
  command->add_option("--worker-timeout", values->worker_timeout_s, "Seconds after which a request counts as hung")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--aa", values->settings.aa, "The first kernel twice: what it differs from itself is noise");
  command->add_flag("--predicted", values->settings.predicted, "What the model expects of each kernel, and what bounds it");
  command->add_option("--json", values->json, "File for everything: machine, clocks, samples");
  command->add_option("--csv", values->csv, fmt::format("File of {}", kBenchCsvHeader));
  command->callback([&session, values] { session.result = run_bench(session, *values); });
}

}  // namespace

void add_bench(CLI::App& app, Session& session) {
  auto* bench = app.add_subcommand("bench", "Times kernels against what users would run otherwise");
  bench->footer("Example:\n  nsajit bench selection --shapes bench/shapes/table1.toml --json table1.json");
  bench->require_subcommand(1);
  add_bench_selection(*bench, session);
  add_bench_forward(*bench, session);
  add_bench_decode(*bench, session);
  add_bench_lookup(*bench, session);
  add_bench_start(*bench, session);
}

}  // namespace nsajit::cli
