// Query-tile union on CUDA: what a config takes (the arithmetic of query_union.cuh), its unit and its launch.

#include <algorithm>

#include <fmt/format.h>

#include "templates/selection/cuda_variants.h"

namespace nsajit::templates {
namespace {

constexpr const char* kName = "query_union";
constexpr int kTile = 64;                          // QueryUnion::kTile
constexpr int kMaxEntries = 32;                    // a lane holds one entry of its row
constexpr std::int64_t kPlannedKeys = 128 * 1024;  // the space leaves room for the bitmaps of so many keys

int threads(const Config& config) { return kWarpThreads * (config.at("queries") + config.at("producers")); }

// Registers that a thread may have: those of an SM are dealt to blocks in steps of four warps, to threads in steps of 8.
std::int64_t register_limit(const Config& config, const Target& target) {
  const int dealt = (threads(config) + 4 * kWarpThreads - 1) / (4 * kWarpThreads) * (4 * kWarpThreads);
  return std::min<std::int64_t>(target.registers_sm / dealt / 8 * 8, 255);
}

std::int64_t smem_bytes(const Problem& problem, const Config& config, std::int64_t S_kv) {
  const std::int64_t rows = config.at("queries"), heads = config.at("columns") != 0 ? config.at("heads") : 16;
  const std::int64_t stages = config.at("stages"), stage = kTile * (2 * problem.dk + 16 + 2 * problem.dv + 16);
  const std::int64_t ring = std::max(stages * stage, rows * heads * (problem.dv + 8) * 4);
  const std::int64_t words = (S_kv + 32 * kTile - 1) / (32 * kTile);
  const std::int64_t queries = config.at("q_shared") != 0 ? rows * 16 * (2 * problem.dk + 16) : 0;
  return ring + rows * heads * 8 + 2 * stages * 8 + queries + (rows + 1) * words * 4;
}

VariantSpace query_union_space(const Problem& problem, const Target& target) {
  VariantSpace space(kName);
  space.dimension("columns", {0, 1})
      .dimension("heads", {8, 16})
      .dimension("keys", {16, 32})
      .dimension("stages", {3, 4, 5, 6})
      .dimension("queries", {7, 11, 15, 23})
      .dimension("producers", {1})
      .dimension("q_shared", {0, 1});
  space.require(fmt::format("at most {} entries per row", kMaxEntries),
                [n = problem.n_sel](const Config&) { return n <= kMaxEntries; });
  space.require("heads as rows come in tiles of 16", [](const Config& c) { return c.at("columns") != 0 || c.at("heads") == 16; });
  space.require("a group of up to 8 heads fits one column tile of 8; anything wider computes padding",
                [group = problem.group](const Config& c) { return group > 8 || (c.at("columns") != 0 && c.at("heads") == 8); });
  space.require("one warp holds all heads of a group",
                [group = problem.group](const Config& c) { return group <= c.at("heads"); });
  space.require("Q lies in shared memory for heads as rows only, to fit more than seven rows",
                [](const Config& c) { return c.at("q_shared") == 0 || (c.at("columns") == 0 && c.at("queries") > 7); });
  space.require("shared memory of a block fits",
                [problem, target](const Config& c) { return smem_bytes(problem, c, kPlannedKeys) <= target.smem_bytes; });
  space.require("registers of a thread fit without spilling", [problem, target](const Config& c) {
    const int q = c.at("q_shared") != 0 ? 0 : problem.dk / 8;
    const int estimate = 48 + c.at("heads") / 8 * (q + problem.dv / 4 + c.at("keys") / 4);
    return estimate <= register_limit(c, target);
  });
  return space;
}

Unit query_union_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit = start_cuda_unit(problem, config);
  unit.template_path = "selection/query_union.cuh";
  unit.entries = {"selection_query_union"};
  unit.bodies = {"nsajit::selection::query_union"};
  unit.bounds = {{.threads = threads(config)}};
  return unit;
}

LaunchPlan query_union_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t smem = smem_bytes(workload.problem, config, workload.S_kv);
  require_maps_fit(workload, config, target, smem, "bitmaps");
  return plan_rows(workload, {.threads = threads(config), .smem_bytes = static_cast<int>(smem), .queries = config.at("queries")});
}

}  // namespace

const CudaVariant kCudaQueryUnion{kName, query_union_space, query_union_unit, query_union_plan};

}  // namespace nsajit::templates
