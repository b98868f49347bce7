// Dense attention on CUDA: two kernels, one on warpgroup instructions and one on mma.sync, what their configs take (the
// arithmetic of dense_wgmma.cuh and dense_mma.cuh), units and launches. The baseline is the second with a fixed config.

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/warpgroup_launch.h"
#include "templates/dense/dense_backends.h"

namespace nsajit::templates::dense {
namespace {

constexpr const char* kMma = "dense_mma";
constexpr const char* kWgmma = "dense_wgmma";
constexpr int kWarpThreads = 32;
constexpr int kPanel = 64;           // kPanelWidth of common/wgmma.cuh
constexpr int kSmemReserved = 1024;  // of each block's shared memory, the driver's
constexpr int kMostRegisters = 255;
constexpr std::int64_t kMaxGridYz = 65535;

bool is_wgmma(const Config& config) { return config.variant == kWgmma; }

int threads(const Config& config) {
  return is_wgmma(config) ? warpgroup_threads(config.at("warpgroups")) : kWarpThreads * config.at("warps");
}
int rows(const Config& config) { return is_wgmma(config) ? 64 * config.at("warpgroups") : 16 * config.at("warps"); }

std::int64_t smem_bytes(const Problem& problem, const Config& config) {
  const std::int64_t stages = config.at("stages"), tile = config.at("tile");
  if (is_wgmma(config)) {
    return stages * tile * 2 * (problem.dk + problem.dv) + std::int64_t{rows(config)} * 2 * problem.dk + 2 * stages * 8;
  }
  const std::int64_t k_row = 2 * problem.dk + 16, v_row = 2 * problem.dv + 16;
  return std::max(stages * tile * (k_row + v_row), rows(config) * k_row);
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
                [problem](const Config& c) { return 92 + problem.dk / 4 + problem.dv / 2 + c.at("tile") / 2 <= kMostRegisters; });
  return space;
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
  if (problem.dtype == DType::FP32) {
    throw Error(ErrorCode::Unsupported, fmt::format("{} attention on {} for {}: CUDA kernels store bf16 or fp16; use the CPU",
                                                    to_string(problem.branch), target.name, to_string(problem)));
  }
}

Config mma_config(const char* variant, int warps, int tile, int stages) {
  return {.variant = variant, .values = {{"warps", warps}, {"tile", tile}, {"stages", stages}}};
}

// The first of the known good configs that fits.
Config choose_mma(const Problem& problem, const Target& target, const char* variant) {
  require_supported(problem, target);
  const VariantSpace space = mma_space(problem, target);
  for (const int warps : {8, 4})
    for (const int tile : {64, 32})
      for (const int stages : {3, 2}) {
        Config config = mma_config(kMma, warps, tile, stages);
        if (space.find_violation(config)) continue;
        config.variant = variant;
        return config;
      }
  throw Error(
      ErrorCode::Unsupported,
      fmt::format(
          "{} attention on {} for {}: no tile of {} fits the registers of a thread and {} bytes of shared memory per block; "
          "take smaller dk and dv, or --device cpu",
          to_string(problem.branch), target.name, to_string(problem), kMma, target.smem_bytes));
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
  space.add(mma_space(problem, target));
  space.add(wgmma_space(problem, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  Config config = choose_mma(problem, target, kMma);  // throws where there is no baseline to be measured against
  return choose_wgmma(problem, target).value_or(std::move(config));
}
Config make_baseline(const Problem& problem, const Target& target) { return choose_mma(problem, target, kPackedSdpa); }

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(problem, target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_dense_args";
  unit.args_header = "nsajit/dense_args.h";
  unit.template_path = is_wgmma(config) ? "dense/dense_wgmma.cuh" : "dense/dense_mma.cuh";
  unit.entries = {"nsajit_dense_attention"};
  unit.bodies = {is_wgmma(config) ? "nsajit::dense::dense_wgmma" : "nsajit::dense::dense_mma"};
  unit.bounds = {{.threads = threads(config), .blocks_per_sm = is_wgmma(config) ? config.at("blocks_per_sm") : 1}};
  unit.fields = {
      {"dk", problem.dk}, {"dv", problem.dv}, {"group", problem.group}, {"sliding", problem.branch == Branch::Sliding ? 1 : 0},
      {"w", problem.w},   {"l", problem.l},   {"d", problem.d}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  if (!is_wgmma(config)) unit.fields.emplace_back("keys", config.at("tile"));
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  if (workload.G > kMaxGridYz || workload.B > kMaxGridYz || workload.S_kv > std::numeric_limits<int>::max()) {
    throw Error(
        ErrorCode::Unsupported,
        fmt::format("launch {} attention for {}: B and G go up to {}, S_kv up to {}; split the batch",
                    to_string(workload.problem.branch), to_string(workload), kMaxGridYz, std::numeric_limits<int>::max()));
  }
  const std::int64_t blocks = (workload.S * workload.problem.group + rows(config) - 1) / rows(config);
  std::array<std::uint32_t, 3> grid{static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(workload.G),
                                    static_cast<std::uint32_t>(workload.B)};
  if (is_wgmma(config)) {
    const std::int64_t items = blocks * workload.G * workload.B,
                       resident = std::int64_t{target.processors} * config.at("blocks_per_sm");
    if (items > std::numeric_limits<std::int32_t>::max()) {
      throw Error(
          ErrorCode::Unsupported,
          fmt::format("launch {} attention for {}: {} blocks of rows, and {} is the most of a launch; "
                      "split the batch",
                      to_string(workload.problem.branch), to_string(workload), items, std::numeric_limits<std::int32_t>::max()));
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

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::dense
