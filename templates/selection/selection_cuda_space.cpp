// The CUDA half of selection: which tile parameters exist, what they cost in shared memory, registers and
// barriers (the arithmetic of query_major.cuh), how a config
// becomes a unit and a launch. First and second step of the data flow.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "nsajit/error.h"
#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
namespace {

constexpr int kWarp = 32;
constexpr int kMaxThreads = 256;               // more only shortens the registers of a thread
constexpr int kSmemReserved = 1024;            // the driver keeps this much of each block's shared memory
constexpr std::int64_t kMinBytesInFlight = 32 * 1024;   // per SM; below it latency, not bandwidth, sets the time
constexpr std::int64_t kChunkBytes = std::int64_t{1} << 30;   // workspace of the baseline
constexpr std::int64_t kMaxGridYz = 65535;

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// What a config takes, by the same arithmetic as QueryMajor in query_major.cuh.
struct Footprint {
  int heads_per_warp = 16;
  int head_warps = 1;
  int row_warps = 1;
  int threads = 0;
  int smem_bytes = 0;
  int registers = 0;       // estimate, a little above what ptxas reports
  int barriers = 0;        // named, beside __syncthreads
  int blocks_per_sm = 0;
  std::int64_t bytes_in_flight = 0;   // per SM
};

Footprint footprint(const Problem& problem, const Config& config, const Target& target) {
  const bool columns = config.at("columns") != 0;
  const int keys = config.at("keys");
  const int stages = config.at("stages");
  const int queries = config.at("queries");
  const int key_warps = config.at("key_warps");
  Footprint f;
  f.heads_per_warp = columns ? config.at("heads") : 16;
  f.head_warps = ceil_div(problem.group, f.heads_per_warp);
  f.row_warps = f.head_warps * key_warps;
  f.threads = kWarp * f.row_warps * queries;
  const int stage = keys * (2 * problem.dk + 16 + 2 * problem.dv + 16);
  const int partials = f.row_warps * f.heads_per_warp * (problem.dv + 8) * 4;
  f.smem_bytes = queries * (std::max(key_warps * stages * stage, partials) + f.row_warps * f.heads_per_warp * 8);
  const int tiles = f.heads_per_warp / 8;
  f.registers = 72 + tiles * (problem.dk / 8 + problem.dv / 4 + keys / 4);
  f.barriers = queries * ((f.row_warps > 1 ? 1 : 0) + (f.head_warps > 1 ? key_warps : 0));
  const int by_smem = static_cast<int>(target.smem_sm_bytes / (f.smem_bytes + kSmemReserved));
  const int by_registers = static_cast<int>(target.registers_sm / (std::int64_t{f.threads} * f.registers));
  f.blocks_per_sm = std::min(by_smem, by_registers);
  f.bytes_in_flight = std::int64_t{std::max(f.blocks_per_sm, 0)} * queries * key_warps * (stages - 1) * keys * 2 * (problem.dk + problem.dv);
  return f;
}

void require_supported(const Problem& problem, const Target& target) {
  if (problem.dtype == DType::FP32) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("selection on CUDA for {}: fp32 storage has no tensor-core kernel yet; use bf16 or fp16, or "
                            "--device cpu", to_string(problem)));
  }
  if (target.arch < 80) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("selection on {}: the kernels need SM 80 or newer (bf16 mma and cp.async), this is SM {}", target.name,
                            target.arch));
  }
}

Config make_config(const char* variant, int columns, int heads, int keys, int stages, int queries, int key_warps, int through_l1) {
  return Config{.variant = variant,
                .values = {{"columns", columns}, {"heads", heads}, {"keys", keys}, {"stages", stages}, {"queries", queries},
                           {"key_warps", key_warps}, {"through_l1", through_l1}}};
}

bool fits(const Problem& problem, const Config& config, const Target& target) {
  const Footprint f = footprint(problem, config, target);
  return f.smem_bytes <= target.smem_bytes && f.registers <= 240 && f.barriers <= 15 && f.blocks_per_sm >= 1 && f.threads <= kMaxThreads;
}

std::int64_t most_bytes_in_flight(const VariantSpace& space, const Problem& problem, const Target& target) {
  std::int64_t most = 0;
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    const Config config = space.at(i);
    if (!space.find_violation(config)) most = std::max(most, footprint(problem, config, target).bytes_in_flight);
  }
  return most;
}

// Largest number of baseline rows that a workspace of kChunkBytes holds.
int chunk_rows(const Problem& problem) {
  const std::int64_t row = std::int64_t{problem.n_sel} * problem.l_sel * 2 * (problem.dk + problem.dv) + 8;
  return static_cast<int>(std::clamp<std::int64_t>(kChunkBytes / row, 64, 1 << 20));
}

LaunchPlan packed_plan(const Workload& workload, const Footprint& f, int queries) {
  const Problem& problem = workload.problem;
  const std::int64_t rows = workload.B * workload.G * workload.S;
  const std::int64_t chunk = std::min<std::int64_t>(chunk_rows(problem), rows);
  const std::int64_t tokens = std::int64_t{problem.n_sel} * problem.l_sel;
  LaunchPlan plan;
  plan.workspace_bytes = chunk * (tokens * 2 * (problem.dk + problem.dv) + 8);
  const auto threads = static_cast<std::uint32_t>(f.threads);
  for (std::int64_t first = 0; first < rows; first += chunk) {
    const std::int64_t count = std::min(chunk, rows - first);
    const auto attend_blocks = static_cast<std::uint32_t>((count + queries - 1) / queries);
    plan.steps.push_back({.entry = 0, .grid = {static_cast<std::uint32_t>(count), 1, 1}, .block = {threads, 1, 1}, .smem_bytes = 0, .first_row = first});
    plan.steps.push_back({.entry = 1, .grid = {attend_blocks, 1, 1}, .block = {threads, 1, 1},
                          .smem_bytes = static_cast<std::uint32_t>(f.smem_bytes), .first_row = first});
  }
  return plan;
}

}  // namespace

SearchSpace cuda_space(const Problem& problem, const Target& target) {
  require_supported(problem, target);
  VariantSpace space(kQueryMajor);
  space.dimension("columns", {0, 1})
      .dimension("heads", {8, 16})
      .dimension("keys", {16, 32})
      .dimension("stages", {2, 3, 4})
      .dimension("queries", {1, 2, 4, 8})
      .dimension("key_warps", {1, 2, 4})
      .dimension("through_l1", {0, 1});
  const auto with = [problem, target](auto holds) {
    return [problem, target, holds](const Config& config) { return holds(config, footprint(problem, config, target)); };
  };
  space.require("heads as rows come in tiles of 16",
                [](const Config& c) { return c.at("columns") != 0 || c.at("heads") == 16; });
  space.require("a group of up to 8 heads fits one column tile of 8; anything wider computes padding",
                [group = problem.group](const Config& c) { return group > 8 || (c.at("columns") != 0 && c.at("heads") == 8); });
  space.require("two warps or more per block", with([](const Config&, const Footprint& f) { return f.threads >= 2 * kWarp; }));
  space.require(fmt::format("at most {} threads per block", kMaxThreads),
                with([](const Config&, const Footprint& f) { return f.threads <= kMaxThreads; }));
  space.require("shared memory of a block fits",
                with([target](const Config&, const Footprint& f) { return f.smem_bytes <= target.smem_bytes; }));
  space.require("registers of a thread fit without spilling", with([](const Config&, const Footprint& f) { return f.registers <= 240; }));
  space.require("15 named barriers per block", with([](const Config&, const Footprint& f) { return f.barriers <= 15; }));
  space.require("one block fits an SM", with([](const Config&, const Footprint& f) { return f.blocks_per_sm >= 1; }));
  // Small SMs reach less with large heads: there, half of the best that fits is asked for.
  const std::int64_t wanted = std::min(kMinBytesInFlight, most_bytes_in_flight(space, problem, target) / 2);
  space.require(fmt::format("at least {} bytes in flight per SM, to cover the latency of L2", wanted),
                with([wanted](const Config&, const Footprint& f) { return f.bytes_in_flight >= wanted; }));
  SearchSpace result;
  result.add(std::move(space));
  return result;
}

// Eight neighbouring rows in a block, one warp each, through L1: neighbours share the forced blocks. Best or within
// a few percent of it for every tuple measured; smaller shapes follow for SMs with less shared memory.
Config cuda_default_config(const Problem& problem, const Target& target) {
  const SearchSpace space = cuda_space(problem, target);
  const int columns = problem.group <= 8 ? 1 : 0;
  for (const int form : {columns, 1}) {
    for (const int heads : {form == 0 || problem.group > 8 ? 16 : 8, 8}) {
      if (form == 0 && heads == 8) continue;
      for (const int stages : {2, 3}) {
        for (const int queries : {8, 4, 2, 1}) {
          for (const int key_warps : {1, 2}) {
            const Config config = make_config(kQueryMajor, form, heads, 16, stages, queries, key_warps, 1);
            if (!space.find_violation(config)) return config;
          }
        }
      }
    }
  }
  throw Error(ErrorCode::Unsupported, fmt::format("selection on {} for {}: no tile of the query-major kernel fits its {} bytes of shared "
                                                  "memory per block", target.name, to_string(problem), target.smem_bytes));
}

// One row per block, its warps spread over the keys: packed rows share nothing.
Config cuda_baseline_config(const Problem& problem, const Target& target) {
  require_supported(problem, target);
  for (const int columns : {problem.group <= 8 ? 1 : 0, 1}) {
    for (const int key_warps : {8, 4, 2, 1}) {
      for (const int stages : {3, 2}) {
        const Config config = make_config(kPackedSdpa, columns, columns != 0 ? 8 : 16, 16, stages, 1, key_warps, 0);
        if (fits(problem, config, target)) return config;
      }
    }
  }
  throw Error(ErrorCode::Unsupported, fmt::format("packed SDPA on {} for {}: no tile fits its {} bytes of shared memory per block",
                                                  target.name, to_string(problem), target.smem_bytes));
}

Unit cuda_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(problem, target);
  const Footprint f = footprint(problem, config, target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_selection_args";
  unit.args_header = "nsajit/selection_args.h";
  unit.threads = f.threads;
  unit.fields = {{"dk", problem.dk}, {"dv", problem.dv}, {"group", problem.group},
                 {"block", problem.input == SelectionInput::Ranges ? 0 : problem.l_sel}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  if (config.variant == kPackedSdpa) {
    unit.template_path = "selection/packed_sdpa.cuh";
    unit.entries = {"selection_pack", "selection_attend_packed"};
    unit.bodies = {"nsajit::selection::pack_selected", "nsajit::selection::attend_packed"};
    unit.fields.emplace_back("max_tokens", problem.n_sel * problem.l_sel);
    unit.fields.emplace_back("chunk_rows", chunk_rows(problem));
  } else {
    unit.template_path = "selection/query_major.cuh";
    unit.entries = {"selection_query_major"};
    unit.bodies = {"nsajit::selection::query_major"};
  }
  return unit;
}

LaunchPlan cuda_plan(const Workload& workload, const Config& config, const Target& target) {
  const Footprint f = footprint(workload.problem, config, target);
  const int queries = config.at("queries");
  if (workload.G > kMaxGridYz || workload.B > kMaxGridYz || workload.S_kv > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::Unsupported, fmt::format("launch selection for {}: B and G go up to {}, S_kv up to {}; split the batch",
                                                    to_string(workload), kMaxGridYz, std::numeric_limits<int>::max()));
  }
  if (config.variant == kPackedSdpa) return packed_plan(workload, f, queries);
  LaunchPlan plan;
  plan.steps.push_back({.entry = 0,
                        .grid = {static_cast<std::uint32_t>((workload.S + queries - 1) / queries), static_cast<std::uint32_t>(workload.G),
                                 static_cast<std::uint32_t>(workload.B)},
                        .block = {static_cast<std::uint32_t>(f.threads), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(f.smem_bytes)});
  return plan;
}

}  // namespace nsajit::templates
