// compile: compiles kernels for any architecture, no GPU needed, and prints what each takes.

#include <algorithm>
#include <future>
#include <memory>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/child_compiler.h"
#include "cli/kernel_dump.h"
#include "cli/progress_line.h"
#include "cli/session.h"
#include "cli/text_table.h"
#include "cli/tuple_options.h"
#include "cli/tuple_text.h"
#include "codegen/kernel_source.h"
#include "nsajit/error.h"
#include "runtime/device.h"
#include "runtime/kernel_key.h"
#include "tuner/compile_queue.h"
#include "tuner/search.h"

namespace nsajit::cli {
namespace {

struct CompileSettings {
  TupleOptions tuples;
  std::vector<std::string> archs;
  std::string config;
  bool baseline = false;
  bool all_candidates = false;
  std::string out;
  int threads = 1;
  double timeout_s = kCompileLimitS;
};

struct Job {
  Workload workload;
  Config config;
  codegen::KernelSource source;
  cache::CacheKey key;
  std::future<runtime::Built> built;
};

struct Tally {
  int kernels = 0, failed = 0, spilling = 0;
  double compile_ms = 0;  // of all threads
  double wall_s = 0;
};

Target find_target(const std::string& arch, const Environment& environment) {
  const bool host = arch == "cpu" || arch == "host";
  return host ? runtime::make_device("cpu", environment)->target() : cuda_profile(arch);
}

// --config names what is not in the space too, with the reason: a config of a newer or older build.
Config parse_offered(const std::string& text, const SearchSpace& space) {
  const Config config = parse_config(text);
  if (const auto violation = space.find_violation(config)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("config {} is not in the space of this tuple and target: {}", text, *violation));
  }
  return config;
}

std::vector<Config> pick_configs(const Op& op, const Problem& problem, const Target& target, const CompileSettings& settings) {
  const auto space = op.space(problem, target);
  std::vector<Config> configs;
  if (settings.all_candidates)
    configs = space.valid_configs();
  else if (!settings.config.empty())
    configs = {parse_offered(settings.config, space)};
  else
    configs = {op.default_config(problem, target)};
  if (settings.baseline) configs.push_back(op.baseline_config(problem, target));
  return configs;
}

std::uint32_t dynamic_smem(const LaunchPlan& plan, std::size_t entry) {
  std::uint32_t bytes = 0;
  for (const auto& step : plan.steps) {
    if (static_cast<std::size_t>(step.entry) == entry) bytes = std::max(bytes, step.smem_bytes);
  }
  return bytes;
}

void add_rows(std::vector<std::vector<std::string>>& rows, const Job& job, const Target& target,
              const codegen::CompileResult& result, const LaunchPlan& plan) {
  std::vector<std::string> head{short_problem(job.workload.problem), arch_name(target), to_string(job.config)};
  if (const auto* failure = std::get_if<codegen::CompileFailure>(&result)) {
    head.insert(head.end(), {"failed", "-", "-", "-", "-", fmt::format("{:.0f}", failure->compile_ms)});
    rows.push_back(std::move(head));
    return;
  }
  const auto& binary = std::get<codegen::Binary>(result);
  for (std::size_t index = 0; index < binary.resources.size(); ++index) {
    const auto& entry = binary.resources[index];
    auto row = head;
    const auto smem = static_cast<std::uint32_t>(entry.static_smem_bytes) + dynamic_smem(plan, index);
    row.insert(row.end(), {entry.name, std::to_string(entry.registers), std::to_string(smem),
                           std::to_string(entry.spill_store_bytes + entry.spill_load_bytes), std::to_string(entry.code_bytes),
                           fmt::format("{:.0f}", binary.compile_ms)});
    rows.push_back(std::move(row));
  }
}

bool spills(const codegen::CompileResult& result) {
  const auto* binary = std::get_if<codegen::Binary>(&result);
  return binary != nullptr && std::any_of(binary->resources.begin(), binary->resources.end(),
                                          [](const auto& entry) { return entry.spill_store_bytes + entry.spill_load_bytes > 0; });
}

void count(Tally& tally, const codegen::CompileResult& result) {
  ++tally.kernels;
  if (spills(result)) ++tally.spilling;
  tally.compile_ms += std::visit([](const auto& answer) { return answer.compile_ms; }, result);
  const auto* failure = std::get_if<codegen::CompileFailure>(&result);
  if (failure == nullptr) return;
  ++tally.failed;
  fmt::print(stderr, "nsajit: {}\n{}\n", failure->reason, failure->log);
}

Tally compile_for(const std::string& arch, const Sweep& sweep, const CompileSettings& settings, const Environment& environment,
                  ProgressLine& progress, std::vector<std::vector<std::string>>& rows) {
  const tuner::Stopwatch clock;
  const Target target = find_target(arch, environment);
  const auto compiler = make_child_compiler(target.backend, settings.timeout_s, environment);
  tuner::CompileQueue queue(*compiler, target, settings.threads, "");
  std::vector<Job> jobs;
  for (const auto& workload : sweep.workloads) {
    const Op& op = find_op(workload.problem);
    for (const auto& config : pick_configs(op, workload.problem, target, settings)) {
      auto source = codegen::specialize(op, workload.problem, config, target);
      auto key = runtime::make_kernel_key(op, workload.problem, config, target, source, compiler->identity());
      auto built = queue.submit(source, key);
      jobs.push_back({workload, config, std::move(source), std::move(key), std::move(built)});
    }
  }
  Tally tally;
  for (auto& job : jobs) {
    progress.update({.done = tally.kernels, .total = static_cast<std::int64_t>(jobs.size()), .phase = "compiling"});
    const auto result = job.built.get().result;
    const Op& op = find_op(job.workload.problem);
    const LaunchPlan plan = op.plan(job.workload, job.config, target);
    add_rows(rows, job, target, result, plan);
    count(tally, result);
    if (settings.out.empty()) continue;
    dump_kernel({op, job.source, result, job.key, job.workload, job.config, plan}, settings.out,
                dump_name(job.workload.problem, job.config, target, job.key));
  }
  tally.wall_s = clock.seconds();
  return tally;
}

ExitCode run_compile(const Session& session, const CompileSettings& settings) {
  const Sweep sweep = read_tuples(settings.tuples);
  for (const auto& arch : settings.archs) find_target(arch, session.environment);  // a typing error costs no compilation
  std::vector<std::vector<std::string>> rows;
  Tally total;
  ProgressLine progress(isatty(STDERR_FILENO) != 0);
  for (std::size_t index = 0; index < settings.archs.size(); ++index) {
    progress.begin(index, settings.archs.size(), settings.archs[index]);
    const Tally tally = compile_for(settings.archs[index], sweep, settings, session.environment, progress, rows);
    total.kernels += tally.kernels;
    total.failed += tally.failed;
    total.spilling += tally.spilling;
    total.compile_ms += tally.compile_ms;
    total.wall_s += tally.wall_s;
  }
  progress.clear();
  fmt::print(
      "{}{} kernels, {} failed, {} with spills, {:.1f} s of compiling in {:.1f} s on {} thread{}\n",
      format_text_table({"tuple", "arch", "config", "entry", "registers", "smem bytes", "spill bytes", "code bytes", "ms"}, rows),
      total.kernels, total.failed, total.spilling, total.compile_ms / 1e3, total.wall_s, settings.threads,
      settings.threads == 1 ? "" : "s");
  if (!settings.out.empty()) fmt::print("written to {}\n", settings.out);
  return total.failed > 0 ? ExitCode::Rejected : ExitCode::Done;
}

}  // namespace

void add_compile(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("compile", "Compiles kernels for any architecture (no GPU needed) and shows what they take");
  command->footer(
      "Examples:\n  nsajit compile --arch 80,90a,120 --sweep sweeps/users.toml\n"
      "  nsajit compile --arch 90a --dk 192 --dv 128 --group 16 --all-candidates --out kernels\n"
      "  nsajit compile --arch host --dtype fp32 --dk 64 --dv 64 --baseline");
  const auto settings = std::make_shared<CompileSettings>();
  command
      ->add_option("--arch", settings->archs,
                   fmt::format("Comma-separated: {}; host or cpu: this CPU", fmt::join(known_archs(), ", ")))
      ->delimiter(',')
      ->required();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTupleOrSweep);
  auto* config = command->add_option("--config", settings->config, "This config instead of the default: query_major{...}");
  command->add_flag("--all-candidates", settings->all_candidates, "Every valid config of the space")->excludes(config);
  command->add_flag("--baseline", settings->baseline, "The packed-SDPA baseline too");
  settings->threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  command->add_option("--threads", settings->threads, "Kernels compiled at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--compile-timeout", settings->timeout_s, "Seconds after which a compilation is killed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--out", settings->out, "Folder for binary, unit, log and description of each kernel");
  command->callback([&session, settings] { session.result = run_compile(session, *settings); });
}

}  // namespace nsajit::cli
