// Scoring model: a warpgroup, or a block of warps, takes tile after tile: products and exponentials, which hardly overlap, and
// the choice of blocks, which does with both. What a tile waits for is shared by those that an SM holds. Short launches end
// with the last queries, whose tiles come one after another.

#include "templates/scoring/scoring_model.h"

#include <algorithm>
#include <cmath>

#include "templates/common/chip_rates.h"
#include "templates/common/compression.h"
#include "templates/common/residency.h"
#include "templates/common/sequences.h"
#include "templates/scoring/scoring_cuda_shape.h"

namespace nsajit::templates::scoring {
namespace {

// Fitted to the times of docs/performance.md, microseconds where not said otherwise.
constexpr double kChoiceUs = 0.144;    // a score of every lane, sorted in
constexpr double kWgmmaShare = 0.63;   // of products, exponentials and choice that is not hidden by the other warpgroups
constexpr double kWgmmaWaitUs = 0.44;  // of a tile
constexpr double kMmaShare = 0.96;     // the same for warps
constexpr double kMmaWaitUs = 0.0112;  // of a key
constexpr double kItemUs = 4.2;        // queries and first keys, the last choice, the blocks written
constexpr int kOtherRegisters = 64;    // of a thread: what the loop holds besides scores and lists

// What all blocks of threads do together.
struct Count {
  double items = 0;    // queries that a block takes at a time
  double tiles = 0;    // that its queries read
  double longest = 0;  // tiles that one item reads
};

// Keys that scores of candidates depend on, for the row at `position`; 0: they decide nothing.
std::int64_t scored_keys(const Workload& w, std::int64_t position) {
  const Problem& p = w.problem;
  const std::int64_t local = position / p.l_sel, candidates = std::max<std::int64_t>(local - 1, 1), wanted = w.n - 3;
  if (wanted <= 0 || candidates - 1 <= wanted) return 0;
  return std::min<std::int64_t>(count_compressed(p, position + 1), candidates * (p.l_sel / p.d));
}

Count count(const Workload& w, const Config& config) {
  const std::int64_t rows = std::int64_t{queries(w.problem, config)} * warpgroups(config), tile = tile_keys(config);
  Count all;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_length(w, b);
    for (std::int64_t end = length; end > 0; end -= rows) {
      const auto tiles = static_cast<double>((scored_keys(w, query_position(w, end - 1)) + tile - 1) / tile);
      all.items += 1;
      all.tiles += tiles;
      all.longest = std::max(all.longest, tiles);
    }
  }
  all.items *= static_cast<double>(w.G);
  all.tiles *= static_cast<double>(w.G);
  return all;
}

// Blocks of threads that an SM holds at once.
double resident_blocks(const Problem& p, const Config& config, const Target& target) {
  if (is_wgmma(config)) return config.at("blocks_per_sm");
  const std::int64_t registers = config.at("columns") * 3 / 4 + list_registers(p, config) + kOtherRegisters;
  const std::int64_t by_registers = target.registers_sm / (std::int64_t{threads(config)} * registers);
  const std::int64_t by_smem = target.smem_sm_bytes / (smem_bytes(p, config) + kSmemReserved);
  return static_cast<double>(std::max<std::int64_t>(1, std::min(by_registers, by_smem)));
}

// Of one tile and those who share its queries.
struct TileCost {
  double products = 0;
  double exponentials = 0;
  double choice = 0;
  double work() const { return std::hypot(products + exponentials, choice); }
};

TileCost cost_of_tile(const Problem& p, const Config& config) {
  const double keys = tile_keys(config), columns = config.at("columns"), flops = 2 * keys * columns * p.dk;
  const double used = static_cast<double>(queries(p, config)) * p.group, read = columns * 2.0 * p.dk * warps(config);
  const double scores = queries(p, config) * keys * p.d / p.l_sel;  // of blocks
  return {.products = is_wgmma(config) ? flops / kWgmmaPerSm : std::max(flops / kMmaPerSm, read / kSmemPerSm),
          .exponentials = keys * used / kExponentialsPerSm,
          .choice = kChoiceUs * scores / (32.0 * warps(config))};
}

std::string find_bound(const TileCost& tile, double waiting, double fixed, double working) {
  if (fixed > working) return "latency of queries";
  if (waiting > tile.work()) return "latency of tiles";
  if (tile.choice > tile.products + tile.exponentials) return "choice of blocks";
  return tile.exponentials > tile.products ? "exponentials" : "tensor cores";
}

}  // namespace

std::optional<Prediction> predict_scoring(const Workload& w, const Config& config, const Target& target) {
  if (target.backend != Backend::Cuda || is_fp32(w.problem)) return std::nullopt;
  const Problem& p = w.problem;
  const Count all = count(w, config);
  const double groups = warpgroups(config), row_bytes = 2.0 * p.dk, tile_bytes = tile_keys(config) * row_bytes;
  const double query_bytes = all.items * groups * config.at("columns") * row_bytes;
  Prediction prediction{.hbm_bytes = find_op(p).work(w).bytes,
                        .l2_bytes = all.tiles * tile_bytes + query_bytes,
                        .smem_bytes = all.tiles * groups * warps(config) * (config.at("columns") * row_bytes + 16 * row_bytes),
                        .flops = all.tiles * groups * 2 * tile_keys(config) * config.at("columns") * p.dk};
  if (!has_known_rates(target)) return prediction;
  const double most = resident_blocks(p, config, target), processors = target.processors;
  const double resident = std::max(1.0, std::min(most, std::ceil(all.items / processors)));
  const TileCost tile = cost_of_tile(p, config);
  const double work = (is_wgmma(config) ? kWgmmaShare : kMmaShare) * tile.work();
  const double alone = is_wgmma(config) ? kWgmmaWaitUs / groups : kMmaWaitUs * tile_keys(config), waiting = alone / resident;
  const double working = all.tiles * groups / processors * (work + waiting), last = all.longest * groups * (work + alone);
  const double fixed = std::max(1.0, all.items / processors / most) * kItemUs;
  prediction.time_us = kLaunchUs + std::cbrt(working * working * working + last * last * last) + fixed;
  prediction.bound = find_bound(tile, waiting, fixed, working);
  return prediction;
}

}  // namespace nsajit::templates::scoring
