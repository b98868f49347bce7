// Dense attention on CUDA: one kernel on warpgroup instructions, one on mma.sync and one in fp32, what their configs take (the
// arithmetic of dense_wgmma.cuh, dense_mma.cuh and dense_fp32.cuh), units and launches. The baseline is the second, in fp32 the
// third, with a fixed config.

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/residency.h"
#include "templates/common/warpgroup_launch.h"
#include "templates/dense/dense_backends.h"

namespace nsajit::templates::dense {
namespace {

constexpr const char* kFp32 = "dense_fp32";
constexpr int kWarpThreads = 32;
constexpr int kPanel = 64;  // kPanelWidth of common/wgmma.cuh
constexpr int kMostRegisters = 255;
constexpr int kFp32Rows = 8;  // of a warp
constexpr std::int64_t kMaxGridYz = 65535;

bool is_wgmma(const Config& config) { return config.variant == kWgmma; }

int threads(const Config& config) {
  return is_wgmma(config) ? warpgroup_threads(config.at("warpgroups")) : kWarpThreads * config.at("warps");
}
bool is_fp32(const Problem& problem) { return problem.dtype == DType::FP32; }
int warp_rows(const Problem& problem) { return is_fp32(problem) ? kFp32Rows : 16; }

// Of dense_mma, with Q in registers, or read from shared memory for each tile.
int registers(const Problem& problem, const Config& config, bool q_registers) {
  return 92 + (q_registers ? problem.dk / 4 : 4) + problem.dv / 2 + config.at("tile") / 2;
}
bool keeps_queries(const Problem& problem, const Config& config) { return registers(problem, config, true) <= kMostRegisters; }

std::int64_t smem_bytes(const Problem& problem, const Config& config) {
  const std::int64_t stages = config.at("stages"), tile = config.at("tile"), all_rows = cuda_block_rows(problem, config);
  if (is_wgmma(config)) return stages * tile * 2 * (problem.dk + problem.dv) + all_rows * 2 * problem.dk + 2 * stages * 8;
  const std::int64_t element = static_cast<std::int64_t>(element_bytes(problem.dtype)), k_row = element * problem.dk + 16,
                     ring = stages * tile * (k_row + element * problem.dv + 16);
  if (is_fp32(problem)) return ring + all_rows * (problem.dk + tile) * element;
  return keeps_queries(problem, config) ? std::max(ring, all_rows * k_row) : ring + all_rows * k_row;
}

void require_shared_memory(VariantSpace& space, const Problem& problem, const Target& target) {
  space.require("shared memory of the resident blocks fits", [problem, target](const Config& c) {
    const std::int64_t bytes = smem_bytes(problem, c), blocks = is_wgmma(c) ? c.at("blocks_per_sm") : 1;
    return bytes <= target.smem_bytes && blocks * (bytes + kSmemReserved) <= target.smem_sm_bytes;
  });
}

VariantSpace mma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kMma);
  space.dimension("warps", {4, 8}).dimension("tile", {32, 64}).dimension("stages", {2, 3});
  require_shared_memory(space, problem, target);
  space.require("registers of a thread fit without spilling",
                [problem](const Config& c) { return registers(problem, c, false) <= kMostRegisters; });
  return space;
}

VariantSpace fp32_space(const Problem& problem, const Target& target) {
  VariantSpace space(kFp32);
  space.dimension("warps", {2, 4, 8}).dimension("tile", {8, 16, 32}).dimension("stages", {2, 3});
  require_shared_memory(space, problem, target);
  return space;
}

// Of the kernel that runs everywhere.
VariantSpace warp_space(const Problem& problem, const Target& target) {
  return is_fp32(problem) ? fp32_space(problem, target) : mma_space(problem, target);
}

VariantSpace wgmma_space(const Problem& problem, const Target& target) {
  VariantSpace space(kWgmma);
  space.dimension("warpgroups", {1, 2, 3})
      .dimension("blocks_per_sm", {1, 2})
      .dimension("tile", {64, 128})
      .dimension("stages", {3, 4, 5, 6})
      .dimension("q_registers", {0, 1})
      .dimension("persistent", {0, 1});  // as many blocks as fit, each takes many blocks of rows
  space.require("warpgroup matrix instructions exist on SM 90a", [target](const Config&) { return target.arch == 90; });
  space.require("dk and dv are multiples of the 64 elements of a swizzled panel",
                [problem](const Config&) { return problem.dk % kPanel == 0 && problem.dv % kPanel == 0; });
  space.require("more blocks per SM are for small ones",
                [](const Config& c) { return c.at("blocks_per_sm") == 1 || c.at("warpgroups") == 1; });
  require_shared_memory(space, problem, target);
  // O, S, P, Q and what the loop holds besides.
  space.require("registers of a thread fit without spilling", [problem, target](const Config& c) {
    const int q = c.at("q_registers") != 0 ? problem.dk / 4 : 0;
    const int panels = problem.dk > 2 * kPanel ? 8 : 0;  // of K, beyond two
    return problem.dv / 2 + c.at("tile") * 3 / 4 + q + panels + 44 <=
           warpgroup_registers(c.at("warpgroups"), c.at("blocks_per_sm"), target);
  });
  return space;
}

void require_supported(const Problem& problem, const Target& target) {
  if (target.arch < 80) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{} attention on {}: the kernels need SM 80 or newer (bf16 mma and cp.async), this is SM {}",
                            to_string(problem.branch), target.name, target.arch));
  }
}

// The first of the known good configs that fits.
Config choose_warps(const Problem& problem, const Target& target, const char* variant) {
  require_supported(problem, target);
  const VariantSpace space = warp_space(problem, target);
  const std::vector<int> tiles = is_fp32(problem) ? std::vector{32, 16, 8} : std::vector{64, 32};
  for (const int warps : {8, 4, 2})
    for (const int tile : tiles)
      for (const int stages : {3, 2}) {
        Config config{.variant = is_fp32(problem) ? kFp32 : kMma,
                      .values = {{"warps", warps}, {"tile", tile}, {"stages", stages}}};
        if (space.find_violation(config)) continue;
        config.variant = variant;
        return config;
      }
  throw Error(
      ErrorCode::Unsupported,
      fmt::format("{} attention on {} for {}: no tile fits {} bytes of shared memory per block; take smaller dk and dv, or "
                  "--device cpu",
                  to_string(problem.branch), target.name, to_string(problem), target.smem_bytes));
}

// As above, of dense_wgmma: narrow heads leave registers for Q.
std::optional<Config> choose_wgmma(const Problem& problem, const Target& target) {
  const VariantSpace space = wgmma_space(problem, target);
  const int q_registers = problem.dk <= kPanel ? 1 : 0;
  for (const int warpgroups : {3, 2, 1})
    for (const int stages : {5, 4, 3}) {
      Config config{.variant = kWgmma,
                    .values = {{"warpgroups", warpgroups},
                               {"blocks_per_sm", 1},
                               {"tile", 64},
                               {"stages", stages},
                               {"q_registers", q_registers},
                               {"persistent", 1}}};
      if (!space.find_violation(config)) return config;
    }
  return std::nullopt;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  require_supported(problem, target);
  SearchSpace space;
  space.add(warp_space(problem, target));
  if (!is_fp32(problem)) space.add(wgmma_space(problem, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  // Throws where there is no baseline to be measured against.
  Config config = choose_warps(problem, target, is_fp32(problem) ? kFp32 : kMma);
  return is_fp32(problem) ? config : choose_wgmma(problem, target).value_or(std::move(config));
}
Config make_baseline(const Problem& problem, const Target& target) { return choose_warps(problem, target, kPackedSdpa); }

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(problem, target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_dense_args";
  unit.args_header = "nsajit/dense_args.h";
  const std::string kernel = is_wgmma(config) ? kWgmma : is_fp32(problem) ? kFp32 : kMma;
  unit.template_path = fmt::format("dense/{}.cuh", kernel);
  unit.entries = {"nsajit_dense_attention"};
  unit.bodies = {"nsajit::dense::" + kernel};
  unit.bounds = {{.threads = threads(config), .blocks_per_sm = is_wgmma(config) ? config.at("blocks_per_sm") : 1}};
  unit.fields = {
      {"dk", problem.dk}, {"dv", problem.dv}, {"group", problem.group}, {"sliding", problem.branch == Branch::Sliding ? 1 : 0},
      {"w", problem.w},   {"l", problem.l},   {"d", problem.d}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  if (is_wgmma(config)) return unit;
  unit.fields.emplace_back("keys", config.at("tile"));
  if (is_fp32(problem))
    unit.fields.emplace_back("heads", kFp32Rows);
  else
    unit.fields.emplace_back("q_registers", keeps_queries(problem, config) ? 1 : 0);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (workload.G > kMaxGridYz || workload.B > kMaxGridYz || workload.S_kv > kMost ||
      workload.S * workload.problem.group > kMost) {
    throw Error(
        ErrorCode::Unsupported,
        fmt::format("launch {} attention for {}: B and G go up to {}, S_kv and the rows of all heads of a group up to {}; "
                    "split the batch",
                    to_string(workload.problem.branch), to_string(workload), kMaxGridYz, kMost));
  }
  const std::int64_t block_rows = cuda_block_rows(workload.problem, config),
                     blocks = (workload.S * workload.problem.group + block_rows - 1) / block_rows;
  std::array<std::uint32_t, 3> grid{static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(workload.G),
                                    static_cast<std::uint32_t>(workload.B)};
  if (is_wgmma(config)) {
    const std::int64_t items = blocks * workload.G * workload.B,
                       resident = std::int64_t{target.processors} * config.at("blocks_per_sm");
    if (items > kMost) {
      throw Error(ErrorCode::Unsupported,
                  fmt::format("launch {} attention for {}: {} blocks of rows, and a launch has {} at most; split the batch",
                              to_string(workload.problem.branch), to_string(workload), items, kMost));
    }
    grid = {static_cast<std::uint32_t>(config.at("persistent") != 0 && resident > 0 ? std::min(items, resident) : items), 1, 1};
  }
  LaunchPlan plan;
  plan.steps.push_back({.entry = 0,
                        .grid = grid,
                        .block = {static_cast<std::uint32_t>(threads(config)), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(smem_bytes(workload.problem, config))});
  return plan;
}

}  // namespace

int cuda_block_rows(const Problem& problem, const Config& config) {
  return is_wgmma(config) ? 64 * config.at("warpgroups") : warp_rows(problem) * config.at("warps");
}

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::dense
