// Query-tile union on warpgroup instructions: what a config takes (the arithmetic of query_union_wgmma.cuh and
// selection_map.cuh), its unit and its launch. SM 90a only.

#include <algorithm>

#include <fmt/format.h>

#include "templates/common/residency.h"
#include "templates/common/warpgroup_launch.h"
#include "templates/selection/cuda_variants.h"

namespace nsajit::templates {
namespace {

constexpr const char* kName = "query_union_wgmma";
constexpr int kTile = 64;
constexpr int kRows = 64;                         // (query, head) rows of a warpgroup
constexpr int kUnit = 16;                         // of selection_map.cuh
constexpr int kMapHeader = 8;                     // words
constexpr int kPanel = 64;                        // kPanelWidth of common/wgmma.cuh
constexpr std::int64_t kPlannedKeys = 16 * 1024;  // the space leaves room for the maps of so many keys

int warpgroups(const Config& config) { return config.at("warpgroups"); }
int threads(const Config& config) { return warpgroup_threads(warpgroups(config)); }

// Queries that the rows of a CTA can belong to.
int queries(const Problem& problem, const Config& config) { return (kRows * warpgroups(config) - 1) / problem.group + 2; }

std::int64_t smem_bytes(const Problem& problem, const Config& config, std::int64_t S_kv) {
  const std::int64_t stages = config.at("stages"), groups = warpgroups(config);
  const std::int64_t ring = stages * kTile * 2 * (problem.dk + problem.dv);
  const std::int64_t q = config.at("q_registers") != 0 ? 0 : groups * kRows * 2 * problem.dk;
  const std::int64_t barriers = (1 + groups) * stages * 8 + 16;
  const std::int64_t tile_words = (S_kv + 32 * kTile - 1) / (32 * kTile), unit_words = tile_words * (kTile / kUnit);
  const std::int64_t map =
      kMapHeader + tile_words * groups + queries(problem, config) * unit_words + 32 * tile_words * (1 + groups);
  return ring + q + barriers + 4 * map;
}

VariantSpace query_union_wgmma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kName);
  space.dimension("warpgroups", {1, 2, 3})
      .dimension("blocks_per_sm", {1, 2})
      .dimension("stages", {3, 4, 5, 6, 7, 8, 10})
      .dimension("q_registers", {0, 1});
  space.require("warpgroup matrix instructions exist on SM 90a", [target](const Config&) { return target.arch == 90; });
  space.require("dk and dv are multiples of the 64 elements of a swizzled panel",
                [problem](const Config&) { return problem.dk % kPanel == 0 && problem.dv % kPanel == 0; });
  space.require("more blocks per SM are for small ones",
                [](const Config& c) { return c.at("blocks_per_sm") == 1 || warpgroups(c) == 1; });
  space.require("Q stays in registers unless a third warpgroup or wide heads need them", [problem](const Config& c) {
    return c.at("q_registers") != 0 || warpgroups(c) == 3 || problem.dk + problem.dv > 320;
  });
  space.require("shared memory of the resident blocks fits", [problem, target](const Config& c) {
    const std::int64_t bytes = smem_bytes(problem, c, kPlannedKeys);
    return bytes <= target.smem_bytes && c.at("blocks_per_sm") * (bytes + kSmemReserved) <= target.smem_sm_bytes;
  });
  // O, S, P, Q and what the loop holds besides.
  space.require("registers of a thread fit without spilling", [problem, target](const Config& c) {
    const int q = c.at("q_registers") != 0 ? problem.dk / 4 : 0;
    return problem.dv / 2 + kTile / 2 + kTile / 4 + q + 44 <= warpgroup_registers(warpgroups(c), c.at("blocks_per_sm"), target);
  });
  return space;
}

Unit query_union_wgmma_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit = start_cuda_unit(problem, config);
  unit.template_path = "selection/query_union_wgmma.cuh";
  unit.fields.emplace_back("tile", kTile);
  unit.fields.emplace_back("queries", queries(problem, config));
  unit.entries = {"selection_query_union_wgmma"};
  unit.bodies = {"nsajit::selection::query_union_wgmma"};
  unit.bounds = {{.threads = threads(config), .blocks_per_sm = config.at("blocks_per_sm")}};
  return unit;
}

LaunchPlan query_union_wgmma_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t smem = smem_bytes(workload.problem, config, workload.S_kv);
  require_maps_fit(workload, config, target, smem, "maps");
  LaunchPlan plan = plan_rows(workload, {.threads = threads(config), .smem_bytes = static_cast<int>(smem)});
  plan.steps.front().grid[0] = blocks_for(workload.S * workload.problem.group, kRows * warpgroups(config));
  return plan;
}

}  // namespace

const CudaVariant kCudaQueryUnionWgmma{kName, query_union_wgmma_space, query_union_wgmma_unit, query_union_wgmma_plan};

}  // namespace nsajit::templates
