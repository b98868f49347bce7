// Scoring on CUDA: two kernels, one on warpgroup instructions and one on mma.sync, or plain arithmetic for fp32; which configs
// there are of them, units and launches. The baseline is the second with a fixed config, and forms ranges entry by entry.

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/residency.h"
#include "templates/common/warpgroup_launch.h"
#include "templates/scoring/scoring_backends.h"
#include "templates/scoring/scoring_cuda_shape.h"

namespace nsajit::templates::scoring {
namespace {

constexpr int kPanel = 64;     // kPanelWidth of common/wgmma.cuh
constexpr int kFewHeads = 16;  // of which one lane holds two queries
constexpr std::int64_t kMaxGrid = std::numeric_limits<std::int32_t>::max();

const char* warp_variant(const Problem& problem) { return is_fp32(problem) ? kFp32 : kMma; }

void require_common(VariantSpace& space, const Problem& problem, const Target& target) {
  space.require("the lanes of a query hold all its heads, in half of their columns at least", [problem](const Config& c) {
    if (query_lanes(problem, c) == 0) return false;
    const int own = c.at("columns") / 4, heads = lane_heads(problem, c);
    return 2 * (own / heads * heads) >= own;
  });
  space.require("one lane holds a query where that takes half of 128 columns at most", [problem](const Config& c) {
    return query_lanes(problem, c) == 1 || problem.group > kFewHeads || is_fp32(problem);
  });
  space.require("counts of the blocks kept take ten bits", [problem](const Config&) { return problem.n_sel <= 960; });
  space.require("the keys that reach into a block fit in a tile",
                [problem](const Config& c) { return (problem.l_sel + problem.l) / problem.d - 1 <= tile_keys(c); });
  space.require("the lanes of a query collect 32 blocks each",
                [problem](const Config& c) { return c.at("room") <= 1024 / queries_together(problem, c); });
  space.require("shared memory of the resident blocks fits", [problem, target](const Config& c) {
    const std::int64_t bytes = smem_bytes(problem, c), blocks = is_wgmma(c) ? c.at("blocks_per_sm") : 1;
    return bytes <= target.smem_bytes && blocks * (bytes + kSmemReserved) <= target.smem_sm_bytes;
  });
}

// Of the kernel that runs everywhere.
VariantSpace warp_space(const Problem& problem, const Target& target) {
  VariantSpace space(warp_variant(problem));
  space.dimension("warps", is_fp32(problem) ? std::vector{1, 2, 4, 8} : std::vector{2, 4, 8})
      .dimension("columns", {32, 64, 96, 128})
      .dimension("stages", {2, 3})
      .dimension("room", rooms(problem));
  require_common(space, problem, target);
  space.require("registers of a thread hold the scores of a tile and the lists", [problem](const Config& c) {
    return c.at("columns") / 2 + c.at("columns") / 4 + list_registers(problem, c) <= 160;
  });
  return space;
}

// Longer rows are collected from less often, where shared memory has room for them.
std::vector<int> wgmma_rooms(const Problem& problem) {
  return rooms(problem)[0] == 0 ? rooms(problem) : std::vector{128, 160, 256, 512};
}

VariantSpace wgmma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kWgmma);
  space.dimension("warpgroups", {1, 2, 3})
      .dimension("blocks_per_sm", {1, 2, 3})
      .dimension("columns", {32, 64, 96, 128})
      .dimension("stages", {3, 4, 6})
      .dimension("ahead", {0, 1})
      .dimension("persistent", {0, 1})  // as many blocks as fit, each takes many queries in turn
      .dimension("room", wgmma_rooms(problem));
  space.require("warpgroup matrix instructions exist on SM 90a", [target](const Config&) { return target.arch == 90; });
  space.require("dk is a multiple of the 64 elements of a swizzled panel",
                [problem](const Config&) { return problem.dk % kPanel == 0; });
  require_common(space, problem, target);
  // Scores, softmax sums and their offsets, and what the loop holds besides.
  space.require("registers of a thread fit without spilling", [problem, target](const Config& c) {
    const int columns = c.at("columns"), ahead = c.at("ahead"), scores = columns / 2;
    const int sums = columns / sum_parts(c) / 2 * (ahead != 0 && columns <= 96 ? 3 : 2);
    const int lse = sum_parts(c) == 1 ? columns / 4 : 0;
    return std::max(sums, scores * (1 + ahead) + lse + list_registers(problem, c)) + 48 <=
           warpgroup_registers(c.at("warpgroups"), c.at("blocks_per_sm"), target);
  });
  space.require("columns in two parts have whole queries in each",
                [problem](const Config& c) { return sum_parts(c) == 1 || c.at("columns") / 8 % lane_heads(problem, c) == 0; });
  return space;
}

void require_supported(const Target& target) {
  if (target.arch < 80) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("scoring on {}: the kernels need SM 80 or newer (bf16 mma and cp.async), this is SM {}", target.name,
                            target.arch));
  }
}

// Columns by preference: as many queries as read the keys together without growing the lists of a lane.
std::vector<int> widths(const Problem& problem) {
  if (problem.group > 6) return {128, 64, 96, 32};
  if (problem.group > 4) return {96, 128, 64, 32};
  return problem.group > 2 ? std::vector{64, 128, 32} : std::vector{32, 64};
}

// The first of the known good configs that fits: few warps, so that two blocks of threads share an SM.
Config choose_warps(const Problem& problem, const Target& target, const char* variant) {
  require_supported(target);
  const VariantSpace space = warp_space(problem, target);
  for (const int warp_count : {4, 8, 2, 1})
    for (const int columns : widths(problem))
      for (const int stages : {2, 3})
        for (const int room : rooms(problem)) {
          Config config{.variant = warp_variant(problem),
                        .values = {{"warps", warp_count}, {"columns", columns}, {"stages", stages}, {"room", room}}};
          if (space.find_violation(config)) continue;
          config.variant = variant;
          return config;
        }
  throw Error(
      ErrorCode::Unsupported,
      fmt::format("scoring on {} for {}: no tile of {} fits {} bytes of shared memory per block with all heads of a query "
                  "and all keys of a block ((l_sel + l) / d up to 129); take --device cpu",
                  target.name, to_string(problem), warp_variant(problem), target.smem_bytes));
}

struct Shape {
  int warpgroups, blocks, ahead, room;
};

// Of a warpgroup with so many columns, the fastest first (docs/performance.md): two tiles under way where they take no more
// registers than one of 128 columns; longer rows of scores where many queries make collecting from them dear.
std::vector<Shape> shapes(int columns) {
  std::vector<Shape> all{{3, 1, 0, 128}, {2, 1, 1, 128}, {2, 1, 0, 128}, {1, 2, 0, 128}, {1, 1, 0, 128}};
  if (columns == 64) all.insert(all.begin(), {{3, 1, 1, 256}, {3, 1, 1, 128}});
  if (columns == 32) all.insert(all.begin(), Shape{3, 1, 0, 160});
  return all;
}

// As above, of score_wgmma: as many warpgroups as fit, that share the keys; few queries to each, whose lists fit in registers.
std::optional<Config> choose_wgmma(const Problem& problem, const Target& target) {
  const VariantSpace space = wgmma_space(problem, target);
  const bool sorted = rooms(problem)[0] != 0;
  for (const int columns : widths(problem))
    for (const auto& [groups, blocks, ahead, room] : shapes(columns)) {
      Config config{.variant = kWgmma,
                    .values = {{"warpgroups", groups},
                               {"blocks_per_sm", blocks},
                               {"columns", columns},
                               {"stages", 3},
                               {"ahead", ahead},
                               {"persistent", 1},
                               {"room", sorted ? room : 0}}};
      if (!space.find_violation(config)) return config;
    }
  return std::nullopt;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  require_supported(target);
  SearchSpace space;
  space.add(warp_space(problem, target));
  if (!is_fp32(problem)) space.add(wgmma_space(problem, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  // Throws where there is no baseline to be measured against.
  Config config = choose_warps(problem, target, warp_variant(problem));
  return is_fp32(problem) ? config : choose_wgmma(problem, target).value_or(std::move(config));
}
Config make_baseline(const Problem& problem, const Target& target) { return choose_warps(problem, target, kPackedSdpa); }

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_scoring_args";
  unit.args_header = "nsajit/scoring_args.h";
  unit.template_path = is_wgmma(config) ? "scoring/score_wgmma.cuh" : "scoring/score_mma.cuh";
  unit.entries = {"nsajit_score_blocks"};
  unit.bodies = {is_wgmma(config) ? "nsajit::scoring::score_wgmma" : "nsajit::scoring::score_mma"};
  unit.bounds = {{.threads = threads(config), .blocks_per_sm = is_wgmma(config) ? config.at("blocks_per_sm") : 1}};
  unit.fields = {{"dk", problem.dk},
                 {"group", problem.group},
                 {"query_lanes", query_lanes(problem, config)},
                 {"l", problem.l},
                 {"d", problem.d},
                 {"l_sel", problem.l_sel},
                 {"n_sel", problem.n_sel},
                 {"ranges", problem.input == SelectionInput::Ranges ? 1 : 0},
                 {"ranges_v2", config.variant == kPackedSdpa ? 0 : 1}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t rows = queries(workload.problem, config) * warpgroups(config);
  const std::int64_t items = (workload.S + rows - 1) / rows * workload.B * workload.G;
  if (items > kMaxGrid || workload.S_kv > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch scoring for {}: {} blocks of queries and S_kv go up to {} each; split the batch",
                            to_string(workload), items, kMaxGrid));
  }
  const bool persistent = is_wgmma(config) && config.at("persistent") != 0 && target.processors > 0;
  const std::int64_t blocks = persistent ? std::min<std::int64_t>(items, target.processors * config.at("blocks_per_sm")) : items;
  LaunchPlan plan;
  plan.steps.push_back({.entry = 0,
                        .grid = {static_cast<std::uint32_t>(blocks), 1, 1},
                        .block = {static_cast<std::uint32_t>(threads(config)), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(smem_bytes(workload.problem, config))});
  return plan;
}

}  // namespace

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::scoring
