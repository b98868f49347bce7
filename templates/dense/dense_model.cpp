// Dense model: blocks of rows are dealt to the places that the chip has for them, each as long as the tiles that its rows see. A
// tile takes what its warpgroups compute, and those beside them on the SM, or as long as it takes to arrive.

#include "templates/dense/dense_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "templates/common/chip_rates.h"
#include "templates/common/residency.h"
#include "templates/common/sequences.h"
#include "templates/dense/dense_backends.h"
#include "templates/dense/dense_rows.h"

namespace nsajit::templates::dense {
namespace {

constexpr int kMmaRegisters = 128;  // of a thread of dense_mma, about

bool is_wgmma(const Config& config) { return config.variant == kWgmma; }

// Tiles of keys that each block of rows reads, of one KV group, most first.
std::vector<double> count_tiles(const Workload& w, std::int64_t block_rows, std::int64_t tile) {
  const Problem& p = w.problem;
  std::vector<double> tiles;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_length(w, b), keys = count_keys(w, b), rows = length * p.group;
    for (std::int64_t row = 0; row < rows; row += block_rows) {
      const std::int64_t last_row = std::min(row + block_rows, rows) - 1;
      const KeyRange first = visible_keys(p, query_position(w, row / p.group), keys);
      const KeyRange last = visible_keys(p, query_position(w, last_row / p.group), keys);
      const std::int64_t begin = first.begin < first.end ? first.begin : last.begin;
      tiles.push_back(last.end > begin ? static_cast<double>((last.end + tile - 1) / tile - begin / tile) : 0);
    }
  }
  std::sort(tiles.begin(), tiles.end(), std::greater<>());
  return tiles;
}

// Of all blocks of rows, `copies` of each, dealt to `places` one by one: no less than an even share, nor than what a place has
// that gets its k-th before the others are through with theirs.
double time_all(const std::vector<double>& costs, double copies, double places) {
  double longest = std::accumulate(costs.begin(), costs.end(), 0.0) * copies / places;
  for (double dealt = 0; dealt < copies * static_cast<double>(costs.size()); dealt += places)
    longest = std::max(longest, (dealt / places + 1) * costs[static_cast<std::size_t>(dealt / copies)]);
  return longest;
}

double join(double a, double b, double c) { return std::cbrt(a * a * a + b * b * b + c * c * c); }

struct BlockCost {
  double tile_us = 0;
  double fixed_us = 0;
};

BlockCost cost_wgmma(const Problem& p, const Config& config, double blocks, const DenseRates& rates) {
  const double elements = p.dk + p.dv, keys = config.at("tile"), units = keys / 64 * elements / 256;
  const double others = config.at("warpgroups") * blocks - 1;
  const double q_shared = config.at("q_registers") != 0 ? 0 : rates.q_shared * keys / 64 * p.dk / 256;
  const double computed = (rates.step_chain + rates.unit_chain * units + q_shared) * (1 + rates.share * others);
  const double copied = keys * elements * 2 * blocks / (kL2Bytes * rates.l2_share);
  const double waited = rates.copy_latency * std::max(units, 0.5) / (config.at("stages") - 1);
  return {.tile_us = join(computed, copied, waited),
          .fixed_us = config.at("persistent") != 0 ? rates.item_fixed : rates.block_fixed};
}

BlockCost cost_mma(const Problem& p, const Config& config, double block_rows, double blocks, const DenseRates& rates) {
  const double flops = 2 * block_rows * config.at("tile") * (p.dk + p.dv);
  return {.tile_us = flops * blocks / (kMmaPerSm * rates.mma_share) + rates.mma_step, .fixed_us = rates.mma_fixed};
}

}  // namespace

std::optional<Prediction> predict_dense(const Workload& w, const Config& config, const Target& target, const DenseRates& rates) {
  const Problem& p = w.problem;
  const bool modelled = is_wgmma(config) || config.variant == kMma;
  if (target.backend != Backend::Cuda || p.dtype == DType::FP32 || !modelled) return std::nullopt;
  const LaunchStep step = kCudaFunctions.plan(w, config, target).steps.front();
  const int rows = cuda_block_rows(p, config);
  std::vector<double> costs = count_tiles(w, rows, config.at("tile"));
  const double groups = static_cast<double>(w.G), items = groups * static_cast<double>(costs.size());
  const double tiles = groups * std::accumulate(costs.begin(), costs.end(), 0.0);
  const double tile_bytes = 2.0 * config.at("tile") * (p.dk + p.dv);
  Prediction prediction{.hbm_bytes = find_op(p).work(w).bytes,
                        .l2_bytes = tiles * tile_bytes + items * rows * 2.0 * (p.dk + p.dv),
                        .smem_bytes = tiles * tile_bytes * step.block[0] / (is_wgmma(config) ? 128 : 32),
                        .flops = tiles * rows * config.at("tile") * 2 * (p.dk + p.dv)};
  if (!has_known_rates(target)) return prediction;
  const double processors = target.processors;
  const double resident = is_wgmma(config) ? config.at("blocks_per_sm") : resident_blocks(step, kMmaRegisters, target);
  const double blocks = std::min(resident, std::max(1.0, std::ceil(items / processors)));
  const BlockCost cost = is_wgmma(config) ? cost_wgmma(p, config, blocks, rates) : cost_mma(p, config, rows, blocks, rates);
  for (double& block : costs) block = cost.fixed_us + block * cost.tile_us;
  const double worked = time_all(costs, groups, processors * blocks), moved = prediction.hbm_bytes / kHbmBytes;
  prediction.time_us = kLaunchUs + rates.start + join(worked, moved, 0);
  prediction.bound = moved > worked ? "HBM" : tiles * cost.tile_us > items * cost.fixed_us ? "tensor cores" : "latency of rows";
  return prediction;
}

}  // namespace nsajit::templates::dense
