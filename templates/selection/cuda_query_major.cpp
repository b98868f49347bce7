// Query-major on CUDA, and packed SDPA, whose dense pass is the same kernel over packed rows: what a config takes in
// shared memory, registers and barriers (the arithmetic of query_major.cuh), units and launches.

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/residency.h"
#include "templates/selection/cuda_variants.h"
#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
namespace {

constexpr const char* kQuerySplit = "query_split";
constexpr int kMaxThreads = 256;                       // per block; more blocks serve better than larger ones
constexpr int kNamedBarriers = 15;                     // 0 is __syncthreads
constexpr std::int64_t kMinBytesInFlight = 32 * 1024;  // per SM; below it latency, not bandwidth, sets the time

struct Footprint {
  int row_warps = 1;
  int threads = 0;
  int smem_bytes = 0;
  int registers = 0;  // estimate
  int barriers = 0;
  int blocks_per_sm = 0;
  std::int64_t bytes_in_flight = 0;  // per SM
};

// An estimate a little above what ptxas needs.
int registers(const Problem& problem, int heads, int keys) {
  return 72 + heads / 8 * (problem.dk / 8 + problem.dv / 4 + keys / 4);
}

Footprint footprint(const Problem& problem, const Config& config, const Target& target) {
  const int keys = config.at("keys"), stages = config.at("stages"), queries = config.at("queries"),
            key_warps = config.at("key_warps");
  const int heads = config.at("columns") != 0 ? config.at("heads") : 16;
  const int head_warps = static_cast<int>(blocks_for(problem.group, heads));
  Footprint f;
  f.row_warps = head_warps * key_warps;
  f.threads = kWarpThreads * f.row_warps * queries;
  const int stage = keys * (2 * problem.dk + 16 + 2 * problem.dv + 16);
  const int partials = f.row_warps * heads * (problem.dv + 8) * 4;
  f.smem_bytes = queries * (std::max(key_warps * stages * stage, partials) + f.row_warps * heads * 8);
  f.registers = registers(problem, heads, keys);
  f.barriers = queries * ((f.row_warps > 1 ? 1 : 0) + (head_warps > 1 ? key_warps : 0));
  const auto by_smem = target.smem_sm_bytes / (f.smem_bytes + kSmemReserved);
  const auto by_registers = target.registers_sm / (std::int64_t{f.threads} * f.registers);
  f.blocks_per_sm = static_cast<int>(std::min<std::int64_t>(by_smem, by_registers));
  f.bytes_in_flight = std::int64_t{f.blocks_per_sm} * queries * key_warps * (stages - 1) * keys * 2 * (problem.dk + problem.dv);
  return f;
}

bool fits(const Footprint& f, const Target& target) {
  return f.smem_bytes <= target.smem_bytes && f.registers <= kRegistersNoSpill && f.barriers <= kNamedBarriers &&
         f.blocks_per_sm >= 1 && f.threads <= kMaxThreads;
}

std::int64_t most_bytes_in_flight(const VariantSpace& space, const Problem& problem, const Target& target) {
  std::int64_t most = 0;
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    const Config config = space.at(i);
    if (!space.find_violation(config)) most = std::max(most, footprint(problem, config, target).bytes_in_flight);
  }
  return most;
}

VariantSpace query_major_space(const Problem& problem, const Target& target) {
  VariantSpace space(kQueryMajor);
  space.dimension("columns", {0, 1})
      .dimension("heads", {8, 16})
      .dimension("keys", {16, 32})
      .dimension("stages", {2, 3})
      .dimension("queries", {1, 2, 4, 8})
      .dimension("key_warps", {1, 2, 4})
      .dimension("through_l1", {0, 1});
  const auto with = [problem, target](auto holds) {
    return [problem, target, holds](const Config& config) { return holds(footprint(problem, config, target)); };
  };
  space.require("heads as rows come in tiles of 16", [](const Config& c) { return c.at("columns") != 0 || c.at("heads") == 16; });
  space.require("a group of up to 8 heads fits one column tile of 8; anything wider computes padding",
                [group = problem.group](const Config& c) { return group > 8 || (c.at("columns") != 0 && c.at("heads") == 8); });
  space.require("two teams of 8 heads only where one warp cannot hold 16", [problem](const Config& c) {
    return problem.group <= 8 || c.at("columns") == 0 || c.at("heads") == 16 || registers(problem, 16, 16) > kRegistersNoSpill;
  });
  space.require("a row alone in its block shares nothing through L1; neighbours do",
                [](const Config& c) { return (c.at("queries") > 1) == (c.at("through_l1") != 0); });
  space.require("two warps or more per block", with([](const Footprint& f) { return f.threads >= 2 * kWarpThreads; }));
  space.require(fmt::format("at most {} threads per block", kMaxThreads),
                with([](const Footprint& f) { return f.threads <= kMaxThreads; }));
  space.require("shared memory of a block fits",
                with([target](const Footprint& f) { return f.smem_bytes <= target.smem_bytes; }));
  space.require("registers of a thread fit without spilling",
                with([](const Footprint& f) { return f.registers <= kRegistersNoSpill; }));
  space.require("15 named barriers per block", with([](const Footprint& f) { return f.barriers <= kNamedBarriers; }));
  space.require("one block fits an SM", with([](const Footprint& f) { return f.blocks_per_sm >= 1; }));
  // Small SMs reach less with large heads: there, half of the best that fits is asked for.
  const std::int64_t wanted = std::min(kMinBytesInFlight, most_bytes_in_flight(space, problem, target) / 2);
  space.require(fmt::format("at least {} bytes in flight per SM, to cover the latency of L2", wanted),
                with([wanted](const Footprint& f) { return f.bytes_in_flight >= wanted; }));
  return space;
}

Unit query_major_unit(const Problem& problem, const Config& config, const Target& target) {
  Unit unit = start_cuda_unit(problem, config);
  unit.template_path = "selection/query_major.cuh";
  unit.entries = {"selection_query_major"};
  unit.bodies = {"nsajit::selection::query_major"};
  unit.bounds = {{.threads = footprint(problem, config, target).threads}};
  return unit;
}

LaunchPlan query_major_plan(const Workload& workload, const Config& config, const Target& target) {
  const Footprint f = footprint(workload.problem, config, target);
  return plan_rows(workload, {.threads = f.threads, .smem_bytes = f.smem_bytes, .queries = config.at("queries")});
}

// Rows too few to fill the machine: bytes in flight per SM say nothing, the chain of one row everything.
VariantSpace query_split_space(const Problem& problem, const Target& target) {
  VariantSpace space(kQuerySplit);
  space.dimension("columns", {0, 1})
      .dimension("heads", {8, 16})
      .dimension("keys", {16, 32})
      .dimension("stages", {3})
      .dimension("queries", {1})
      .dimension("key_warps", {1, 2, 4})
      .dimension("splits", {2, 4, 8})
      .dimension("through_l1", {0});
  space.require("clusters of blocks exist from SM 90 on", [target](const Config&) { return target.arch >= 90; });
  space.require("heads as rows come in tiles of 16", [](const Config& c) { return c.at("columns") != 0 || c.at("heads") == 16; });
  space.require("a group of up to 8 heads fits one column tile of 8; anything wider computes padding",
                [group = problem.group](const Config& c) { return group > 8 || (c.at("columns") != 0 && c.at("heads") == 8); });
  space.require("one block fits an SM, without spilling",
                [problem, target](const Config& c) { return fits(footprint(problem, c, target), target); });
  space.require("a warp has a tile to work on", [problem](const Config& c) {
    return c.at("splits") * c.at("key_warps") * c.at("keys") <= problem.n_sel * problem.l_sel;
  });
  return space;
}

Unit query_split_unit(const Problem& problem, const Config& config, const Target& target) {
  Unit unit = start_cuda_unit(problem, config);
  unit.template_path = "selection/query_split.cuh";
  unit.entries = {"selection_query_split"};
  unit.bodies = {"nsajit::selection::query_split"};
  unit.bounds = {{.threads = footprint(problem, config, target).threads, .cluster = config.at("splits")}};
  return unit;
}

LaunchPlan query_split_plan(const Workload& workload, const Config& config, const Target& target) {
  LaunchPlan plan = query_major_plan(workload, config, target);
  plan.steps.front().grid[0] *= static_cast<std::uint32_t>(config.at("splits"));
  return plan;
}

Unit packed_sdpa_unit(const Problem& problem, const Config& config, const Target& target) {
  return finish_packed_unit(start_cuda_unit(problem, config), problem, footprint(problem, config, target).threads);
}

LaunchPlan packed_sdpa_plan(const Workload& workload, const Config& config, const Target& target) {
  const Footprint f = footprint(workload.problem, config, target);
  return plan_packed_rows(workload, {.threads = f.threads, .smem_bytes = f.smem_bytes, .queries = config.at("queries")});
}

Config make_config(const char* variant, int columns, int heads, int stages, int queries, int key_warps, int through_l1) {
  return Config{.variant = variant,
                .values = {{"columns", columns},
                           {"heads", heads},
                           {"keys", 16},
                           {"stages", stages},
                           {"queries", queries},
                           {"key_warps", key_warps},
                           {"through_l1", through_l1}}};
}

}  // namespace

// Eight neighbouring rows in a block, one warp each, through L1: neighbours share the forced blocks. Best or within a
// few percent of it for every tuple measured; smaller shapes follow for SMs with less shared memory.
std::vector<Config> query_major_defaults(const Problem& problem) {
  std::vector<Config> configs;
  for (const int columns : {0, 1})
    for (const int heads : {16, 8})
      for (const int stages : {2, 3})
        for (const int queries : {8, 4, 2, 1})
          for (const int key_warps : {1, 2})
            if (problem.group > 8 || columns == 1)
              configs.push_back(make_config(kQueryMajor, columns, heads, stages, queries, key_warps, queries > 1 ? 1 : 0));
  return configs;
}

// One row per block, its warps spread over the keys: packed rows share nothing.
Config packed_sdpa_config(const Problem& problem, const Target& target) {
  for (const int columns : {problem.group <= 8 ? 1 : 0, 1})
    for (const int key_warps : {8, 4, 2, 1})
      for (const int stages : {3, 2}) {
        const Config config = make_config(kPackedSdpa, columns, columns != 0 ? 8 : 16, stages, 1, key_warps, 0);
        if (fits(footprint(problem, config, target), target)) return config;
      }
  throw Error(ErrorCode::Unsupported,
              fmt::format("packed SDPA on {} for {}: no tile fits its {} bytes of shared memory per block", target.name,
                          to_string(problem), target.smem_bytes));
}

const CudaVariant kCudaQueryMajor{kQueryMajor, query_major_space, query_major_unit, query_major_plan};
const CudaVariant kCudaQuerySplit{kQuerySplit, query_split_space, query_split_unit, query_split_plan};
const CudaVariant kCudaPackedSdpa{kPackedSdpa, query_major_space, packed_sdpa_unit, packed_sdpa_plan};

}  // namespace nsajit::templates
