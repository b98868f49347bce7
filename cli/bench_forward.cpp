// bench forward: shapes x lengths, a row each, then the length from which each tuple wins.

#include "cli/bench_forward.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/bench_shapes.h"
#include "cli/forward_race.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/session.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

struct ForwardBench {
  BenchShapes shapes;
  std::vector<std::int64_t> lengths;
  std::string device = "auto";
  std::string cache;
  std::string json;
  tuner::MeasureOptions measure{.warmup = 1, .rounds = 9};
};

std::vector<Workload> read_workloads(const ForwardBench& bench) {
  const Sweep sweep = read_bench_shapes(bench.shapes);
  std::vector<Workload> workloads;
  for (const Workload& workload : sweep.workloads) {
    if (workload.selection != 0)
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("bench forward: {} has a recorded selection; here scoring chooses", to_string(workload)));
    if (bench.lengths.empty()) workloads.push_back(workload);
    for (const std::int64_t length : bench.lengths) {
      workloads.push_back(workload);
      workloads.back().S = workloads.back().S_kv = length;
    }
  }
  return workloads;
}

// Of all rows with this one's tuple: one kernel of dense attention then serves them all.
std::int64_t longest_of(const std::vector<Workload>& workloads, const Workload& workload) {
  std::int64_t longest = 0;
  for (const Workload& other : workloads)
    if (other.problem == workload.problem) longest = std::max(longest, other.S_kv);
  return longest;
}

ExitCode run_bench_forward(const Session& session, const ForwardBench& bench) {
  const std::vector<Workload> workloads = read_workloads(bench);
  if (session.environment.frozen)
    throw Error(ErrorCode::Frozen,
                "cannot run a benchmark: frozen mode never measures; run it without --frozen and NSAJIT_FROZEN");
  OutputFile json(bench.json);
  RaceBench race(session, bench.device, bench.cache);
  const InterruptGuard interrupt;
  fmt::print("{}, {} rounds, interleaved, cold cache; ratio: dense / the faster whole pass\n{}", race.target().name,
             bench.measure.rounds, format_forward_heading());
  std::vector<ForwardRow> rows;
  for (const Workload& workload : workloads) {
    if (interrupt.requested()) break;
    rows.push_back(race_forward(race.tools(), workload, longest_of(workloads, workload), bench.measure));
    fmt::print("{}", format_forward_row(rows.back()));
    std::fflush(stdout);
  }
  fmt::print("{}", format_winning_lengths(rows));
  json.write(race.describe(std::move(rows), bench.measure.rounds));
  return interrupt.requested() ? ExitCode::Interrupted : ExitCode::Done;
}

}  // namespace

void add_bench_forward(CLI::App& bench, Session& session) {
  auto* command = bench.add_subcommand("forward",
                                       "The whole forward pass beside dense attention\n\n"
                                       "Times each part (compressed, scoring, selection, sliding, gate), the whole on one stream "
                                       "and with sliding on a second one\n"
                                       "(beside), and dense causal attention of the same heads: this project's dense kernel, "
                                       "sliding with a window of everything, the\n"
                                       "fastest of its configs that are worth a try; bench/torch_dense.py times cuDNN's, which "
                                       "is the faster one at some shapes. All in\n"
                                       "one interleaved run, as captured graphs, with a cold cache.");
  command->footer(
      "Examples:\n  nsajit bench forward --shapes bench/shapes/table1.toml --device cuda --json forward.json\n"
      "  nsajit bench forward --shapes 'S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1' --lengths 512,2048,8192,32768\n"
      "  nsajit bench forward --dtype fp32 --dk 32 --dv 32 --group 2 --G 2 --S 256 --device cpu");
  const auto values = std::make_shared<ForwardBench>();
  add_shape_options(*command, values->shapes);
  add_device_option(*command, values->device);
  add_cache_option(*command, values->cache, session);
  command->add_option("--lengths", values->lengths, "Run each shape at these S instead of its own")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 24));
  command->add_option("--rounds", values->measure.rounds, "Samples of each")->check(CLI::Range(3, 100000))->capture_default_str();
  command->add_option("--json", values->json, "File for everything: machine, clocks, samples");
  command->callback([&session, values] { session.result = run_bench_forward(session, *values); });
}

}  // namespace nsajit::cli
