// KV-block-major on CUDA: what a config takes (the arithmetic of kv_workspace.cuh, kv_major.cuh and kv_near.cuh), its unit of
// five entries, and their launches, chunk by chunk.

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/residency.h"
#include "templates/selection/cuda_variants.h"

namespace nsajit::templates {
namespace {

constexpr const char* kName = "kv_major";
constexpr const char* kWgmmaName = "kv_major_wgmma";
constexpr const char* kNearName = "kv_near_wgmma";
constexpr int kPanel = 64;       // kPanelWidth of common/wgmma.cuh
constexpr int kIndexRows = 256;  // kIndexRows of kv_workspace.cuh
constexpr int kIndexThreads = 1024;
constexpr int kCombineThreads = 256;
constexpr int kNearThreads = 128;
constexpr int kNearRows = 64;  // (query, head) rows of a block, keys of a step
constexpr int kMaxSlots = 32;  // the combine step holds all slots of a row in registers
constexpr int kPairBytes = 8;

enum Entry { kCount, kScan, kFill, kMain, kCombine };

// Keys of a tile: the selection block where the matrix shapes allow it, so that a block is one pair.
int tile_keys(const Problem& problem) {
  const bool whole = problem.l_sel % 16 == 0 && problem.l_sel >= 32 && problem.l_sel <= 128;
  return whole ? problem.l_sel : 64;
}

bool is_near(const Config& config) { return config.variant == kNearName; }
bool is_wgmma(const Config& config) { return config.variant == kWgmmaName || is_near(config); }
int warps(const Config& config) { return is_wgmma(config) ? 4 * config.at("warpgroups") : config.at("warps"); }

int smem_bytes(const Problem& problem, const Config& config) {
  if (is_wgmma(config)) {
    const int lists = 3 * 64 * 16, queries = 2 * 64 * 2 * problem.dk;
    return tile_keys(problem) * 2 * (problem.dk + problem.dv) + config.at("warpgroups") * (queries + lists);
  }
  const int k_row = 2 * problem.dk + 16, v_row = 2 * problem.dv + 16;
  return tile_keys(problem) * (k_row + v_row) + config.at("warps") * 2 * 16 * k_row;
}

// Panels of Q, K and twice V, a weight per row and partial result.
int near_smem_bytes(const Problem& problem) { return kNearRows * (4 * (problem.dk + problem.dv) + 4 * problem.n_sel); }

// As many as the merge's registers allow without spilling.
int near_blocks_per_sm(const Problem& problem) { return problem.dv <= 64 ? 4 : problem.dv <= 128 ? 3 : 2; }

// The least that ptxas was seen to need without spilling.
int registers(const Problem& problem, int keys) { return 72 + problem.dk / 8 + problem.dv * 3 / 8 + keys / 2; }

int wgmma_registers(const Problem& problem) { return 64 + problem.dv / 2; }

void require_residency(VariantSpace& space, const Problem& problem, const Target& target) {
  space.require(fmt::format("at most {} entries per row", kMaxSlots),
                [n = problem.n_sel](const Config&) { return n <= kMaxSlots; });
  space.require("shared memory of the resident blocks fits", [problem, target](const Config& c) {
    const std::int64_t bytes = smem_bytes(problem, c);
    return bytes <= target.smem_bytes && c.at("blocks_per_sm") * (bytes + kSmemReserved) <= target.smem_sm_bytes;
  });
  space.require("registers of the resident blocks fit without spilling", [problem, target](const Config& c) {
    const int estimate = is_wgmma(c) ? wgmma_registers(problem) : registers(problem, c.at("keys"));
    return std::int64_t{estimate} * kWarpThreads * warps(c) * c.at("blocks_per_sm") <= target.registers_sm &&
           estimate <= kRegistersNoSpill;
  });
}

VariantSpace kv_major_space(const Problem& problem, const Target& target) {
  VariantSpace space(kName);
  space.dimension("warps", {4, 8})
      .dimension("blocks_per_sm", {1, 2, 3, 4})
      .dimension("keys", {32, 64})
      .dimension("item_pairs", {128, 256, 512})
      .dimension("chunk", {8192, 65536});
  space.require("a tile is a whole number of key steps",
                [problem](const Config& c) { return tile_keys(problem) % c.at("keys") == 0; });
  space.require("key steps as wide as the registers of one block allow", [problem](const Config& c) {
    return c.at("keys") == 64 || tile_keys(problem) % 64 != 0 || registers(problem, 64) > kRegistersNoSpill;
  });
  require_residency(space, problem, target);
  return space;
}

// Joins the requirements of both warpgroup variants to their dimensions.
void require_wgmma(VariantSpace& space, const Problem& problem, const Target& target) {
  space.require("warpgroup matrix instructions exist on SM 90a", [target](const Config&) { return target.arch == 90; });
  space.require("dk, dv and the tile are multiples of the 64 elements of a swizzled panel", [problem](const Config&) {
    return problem.dk % kPanel == 0 && problem.dv % kPanel == 0 && tile_keys(problem) % kPanel == 0;
  });
  require_residency(space, problem, target);
}

VariantSpace kv_major_wgmma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kWgmmaName);
  space.dimension("warpgroups", {1, 2})
      .dimension("blocks_per_sm", {1, 2, 3, 4})
      .dimension("keys", {kPanel})
      .dimension("item_pairs", {128, 256, 512})
      .dimension("chunk", {16384, 65536});
  require_wgmma(space, problem, target);
  return space;
}

VariantSpace kv_near_wgmma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kNearName);
  space.dimension("warpgroups", {1, 2})
      .dimension("blocks_per_sm", {1, 2, 3, 4})
      .dimension("keys", {kPanel})
      .dimension("item_pairs", {128, 256, 512})
      .dimension("chunk", {16384});
  require_wgmma(space, problem, target);
  space.require("a selection block is a whole number of tiles",
                [problem](const Config&) { return problem.l_sel % tile_keys(problem) == 0; });
  return space;
}

Unit kv_major_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit = start_cuda_unit(problem, config);
  unit.template_path = is_near(config)    ? "selection/kv_near.cuh"
                       : is_wgmma(config) ? "selection/kv_major_wgmma.cuh"
                                          : "selection/kv_combine.cuh";
  unit.fields.emplace_back("tile", tile_keys(problem));
  unit.fields.emplace_back("slots", problem.n_sel);
  unit.fields.emplace_back("near", is_near(config) ? 1 : 0);
  unit.entries = {"selection_kv_count", "selection_kv_scan", "selection_kv_fill", "selection_kv_major", "selection_kv_combine"};
  unit.bodies = {"nsajit::selection::kv_count", "nsajit::selection::kv_scan", "nsajit::selection::kv_fill",
                 is_wgmma(config) ? "nsajit::selection::kv_major_wgmma" : "nsajit::selection::kv_major",
                 is_near(config) ? "nsajit::selection::kv_near" : "nsajit::selection::kv_combine"};
  const EntryBounds index{.threads = kIndexThreads};
  const EntryBounds near{.threads = kNearThreads, .blocks_per_sm = near_blocks_per_sm(problem)};
  unit.bounds = {index,
                 index,
                 index,
                 {.threads = kWarpThreads * warps(config), .blocks_per_sm = config.at("blocks_per_sm")},
                 is_near(config) ? near : EntryBounds{.threads = kCombineThreads}};
  return unit;
}

// As KvWorkspace lays it out; every array is rounded up to 128 bytes.
std::int64_t workspace_bytes(const Workload& workload, std::int64_t rows, std::int64_t tiles) {
  const Problem& problem = workload.problem;
  const std::int64_t groups = workload.B * workload.G, slots = rows * problem.n_sel;
  const auto aligned = [groups](std::int64_t each) { return (groups * each + 127) / 128 * 128; };
  return aligned(rows * 4) + aligned(blocks_for(rows, kIndexRows) * tiles * 4) + 2 * aligned((tiles + 1) * 4) +
         aligned(slots * kPairBytes) + aligned(slots * problem.group * 4) + aligned(slots * problem.group * problem.dv * 2);
}

LaunchPlan kv_major_plan(const Workload& workload, const Config& config, const Target& target) {
  const Problem& problem = workload.problem;
  const std::int64_t chunk = std::min<std::int64_t>(config.at("chunk"), workload.S);
  const std::int64_t tiles = blocks_for(workload.S_kv, tile_keys(problem));
  const auto index_smem = static_cast<std::uint32_t>(tiles * 4);
  if (index_smem > target.smem_bytes) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch {} for {}: counting {} tiles takes {} bytes of shared memory, {} has {}; use another variant",
                            to_string(config), to_string(workload), tiles, index_smem, target.name, target.smem_bytes));
  }
  const auto main_threads = static_cast<std::uint32_t>(kWarpThreads * warps(config));
  const auto grid = [&workload](std::uint32_t blocks) {
    return std::array<std::uint32_t, 3>{blocks, static_cast<std::uint32_t>(workload.G), static_cast<std::uint32_t>(workload.B)};
  };
  LaunchPlan plan;
  plan.workspace_bytes = workspace_bytes(workload, chunk, tiles);
  for (std::int64_t first = 0; first < workload.S; first += chunk) {
    const std::int64_t rows = std::min(chunk, workload.S - first);
    const std::uint32_t index_blocks = blocks_for(rows, kIndexRows);
    // Work items are known on the device only; surplus blocks return at once.
    const std::uint32_t items = blocks_for(rows * problem.n_sel, config.at("item_pairs")) + static_cast<std::uint32_t>(tiles);
    const auto step = [&](Entry entry, std::uint32_t blocks, std::uint32_t threads, std::uint32_t smem) {
      plan.steps.push_back(
          {.entry = entry, .grid = grid(blocks), .block = {threads, 1, 1}, .smem_bytes = smem, .first_row = first});
    };
    step(kCount, index_blocks, kIndexThreads, index_smem);
    step(kScan, 1, kIndexThreads, 0);
    step(kFill, index_blocks, kIndexThreads, index_smem);
    step(kMain, items, main_threads, static_cast<std::uint32_t>(smem_bytes(problem, config)));
    if (is_near(config)) {
      step(kCombine, blocks_for(rows * problem.group, kNearRows), kNearThreads,
           static_cast<std::uint32_t>(near_smem_bytes(problem)));
    } else {
      step(kCombine, blocks_for(rows * problem.group * (problem.dv / 8), kCombineThreads), kCombineThreads, 0);
    }
  }
  return plan;
}

}  // namespace

const CudaVariant kCudaKvMajor{kName, kv_major_space, kv_major_unit, kv_major_plan};
const CudaVariant kCudaKvMajorWgmma{kWgmmaName, kv_major_wgmma_space, kv_major_unit, kv_major_plan};
const CudaVariant kCudaKvNearWgmma{kNearName, kv_near_wgmma_space, kv_major_unit, kv_major_plan};

}  // namespace nsajit::templates
