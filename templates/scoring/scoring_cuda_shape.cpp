// Scoring shape on CUDA: see the header.

#include "templates/scoring/scoring_cuda_shape.h"

#include <algorithm>

#include "templates/common/warpgroup_launch.h"

namespace nsajit::templates::scoring {
namespace {

constexpr int kFilterRegisters = 48;  // scores and blocks of a list while it is bisected
constexpr int kMostListed = 29;       // best blocks in a lane's sorted list

// What BlockChoice holds: of each query the sorted choice's row and best blocks, or the filter's two lists and state.
std::int64_t choice_bytes(const Problem& problem, const Config& config) {
  const std::int64_t rows = queries(problem, config), columns = config.at("columns"), room = config.at("room"),
                     ring = (rows <= 16 && warps(config) > 1 ? 2 : 1) * std::max(128 / tile_keys(config), 1) + 1,
                     filtered = (problem.n_sel + 31) / 32 * 32 + 32;
  const std::int64_t sums = std::max<std::int64_t>(rows * (ring * tile_keys(config) + 8) * 4, warps(config) * columns * 8);
  const std::int64_t bytes =
      sums + columns * 4 + rows * (room > 0 ? (room + 8) * 4 + best_blocks(problem) * 8 : filtered * 8 + 8);
  return (bytes + 15) / 16 * 16;
}

}  // namespace

bool is_wgmma(const Config& config) { return config.variant == kWgmma; }
int warpgroups(const Config& config) { return is_wgmma(config) ? config.at("warpgroups") : 1; }
int warps(const Config& config) { return is_wgmma(config) ? 4 : config.at("warps"); }
int tile_keys(const Config& config) { return 16 * warps(config); }
int threads(const Config& config) { return is_wgmma(config) ? warpgroup_threads(config.at("warpgroups")) : 32 * warps(config); }
bool is_fp32(const Problem& problem) { return problem.dtype == DType::FP32; }

int query_lanes(const Problem& problem, const Config& config) {
  for (const int lanes : {1, 2, 4})
    if ((problem.group + lanes - 1) / lanes <= config.at("columns") / 4) return lanes;
  return 0;
}
int lane_heads(const Problem& problem, const Config& config) {
  const int lanes = query_lanes(problem, config);
  return (problem.group + lanes - 1) / lanes;
}
int queries(const Problem& problem, const Config& config) {
  return config.at("columns") / 4 / lane_heads(problem, config) * (4 / query_lanes(problem, config));
}

int best_blocks(const Problem& problem) { return std::max(problem.n_sel - 3, 1); }

int sum_parts(const Config& config) { return config.at("warpgroups") == 3 && config.at("columns") == 128 ? 2 : 1; }

int queries_together(const Problem& problem, const Config& config) {
  const int rows = queries(problem, config), compute_warps = warps(config);
  return rows >= 4 * compute_warps ? 4 : rows >= 2 * compute_warps ? 2 : 1;
}

int list_registers(const Problem& problem, const Config& config) {
  if (config.at("room") == 0) return kFilterRegisters;
  const int at_once = queries_together(problem, config) * warps(config);
  return best_blocks(problem) * ((queries(problem, config) + at_once - 1) / at_once) + config.at("room") / 16;
}

std::vector<int> rooms(const Problem& problem) {
  if (best_blocks(problem) > kMostListed) return {0};
  return is_fp32(problem) ? std::vector{128, 64, 256, 512} : std::vector{128, 256, 512};
}

std::int64_t smem_bytes(const Problem& problem, const Config& config) {
  const std::int64_t bytes = static_cast<std::int64_t>(element_bytes(problem.dtype)) * problem.dk, stages = config.at("stages"),
                     row = is_wgmma(config) ? bytes : bytes + 16;
  return (stages * tile_keys(config) + warpgroups(config) * config.at("columns")) * row +
         (is_wgmma(config) ? 16 * stages + 16 : 0) + warpgroups(config) * choice_bytes(problem, config);
}

}  // namespace nsajit::templates::scoring
