// bench start: a first server compiles what the cache lacks; the ones that are timed are frozen, so that they compile nothing.

#include "cli/bench_start.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/tuple_options.h"
#include "runtime/server.h"

namespace nsajit::cli {
namespace {

struct StartBench {
  TupleOptions tuples;
  std::string device = "auto";
  std::string cache;
  int starts = 5;
};

using Clock = std::chrono::steady_clock;

double elapsed_s(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Start {
  double server_s = 0;  // device, compiler and cache opened
  double ready_s = 0;   // after that: every kernel bound
};

Start start(const StartBench& bench, const std::vector<Workload>& workloads, const Environment& environment) {
  const auto begin = Clock::now();
  runtime::Server server({.device = bench.device, .cache_path = bench.cache}, environment);
  const double server_s = elapsed_s(begin);
  const auto opened = Clock::now();
  for (const Workload& workload : workloads) server.bind(workload);
  return {server_s, elapsed_s(opened)};
}

ExitCode run_bench_start(const Session& session, const StartBench& bench) {
  const std::vector<Workload> workloads = read_tuples(bench.tuples).workloads;
  const Start first = start(bench, workloads, session.environment);
  fmt::print("first start, what is not in the cache is compiled: {} kernels in {:.2f} s\n", workloads.size(), first.ready_s);
  Environment frozen = session.environment;
  frozen.frozen = true;
  std::vector<Start> starts;
  for (int i = 0; i < bench.starts; ++i) starts.push_back(start(bench, workloads, frozen));
  std::sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.ready_s < b.ready_s; });
  const Start& median = starts[starts.size() / 2];
  fmt::print(
      "{} frozen starts, 0 compilations: {} kernels ready in {:.3f} s (median; worst {:.3f} s), device and cache opened in "
      "{:.3f} s\n",
      starts.size(), workloads.size(), median.ready_s, starts.back().ready_s, median.server_s);
  return ExitCode::Done;
}

}  // namespace

void add_bench_start(CLI::App& bench, Session& session) {
  auto* command = bench.add_subcommand("start", "How long until kernels that are in the cache are ready to be launched");
  command->footer("Example:\n  nsajit bench start --sweep sweeps/users.toml --device cuda");
  const auto values = std::make_shared<StartBench>();
  add_tuple_options(*command, values->tuples, TupleSource::OneTupleOrSweep);
  add_device_option(*command, values->device);
  add_cache_option(*command, values->cache, session);
  command->add_option("--starts", values->starts, "Timed starts")->check(CLI::Range(1, 1000))->capture_default_str();
  command->callback([&session, values] { session.result = run_bench_start(session, *values); });
}

}  // namespace nsajit::cli
