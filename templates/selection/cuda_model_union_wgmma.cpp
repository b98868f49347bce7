// CUDA model of query_union_wgmma: 64 rows step through the tiles that any of them selected, out of a ring that a CTA's
// warpgroups share.

#include <cmath>

#include "templates/selection/cuda_model.h"
#include "templates/selection/selection_backends.h"
#include "templates/selection/selection_expectation.h"

namespace nsajit::templates {
namespace {

constexpr double kRows = 64;  // of a warpgroup
constexpr double kTile = 64;  // keys

// Tiles that runs of `rows` consecutive (query, head) rows step through, summed over all runs.
double union_tiles(const Workload& workload, double rows) {
  const Problem& p = workload.problem;
  const double queries = rows / p.group, below = std::floor(std::max(queries, 1.0));
  const auto per_run = [&workload](double neighbours) {
    const SelectionMeans means = expect_selection(workload, static_cast<int>(neighbours));
    return means.union_blocks / means.runs;
  };
  const double part = std::max(queries, 1.0) - below;
  const double blocks = (1 - part) * per_run(below) + (part > 0 ? part * per_run(below + 1) : 0);
  const double runs = expect_selection(workload, 1).rows * p.group / rows;
  return runs * blocks * p.l_sel / kTile;
}

}  // namespace

Prediction predict_query_union_wgmma(const Workload& workload, const Config& config, const Target& target,
                                     const UnionWgmmaRates& rates) {
  const Problem& p = workload.problem;
  const double groups = config.at("warpgroups"), blocks = config.at("blocks_per_sm"), size = p.dk + p.dv;
  const double rows = expect_selection(workload, 1).rows;
  const double steps = union_tiles(workload, kRows), tiles = union_tiles(workload, kRows * groups);
  const double ctas = rows * p.group / (kRows * groups), lanes = target.processors * blocks;  // blocks at work
  Prediction made{.hbm_bytes = 2 * size * (rows * p.group + static_cast<double>(workload.B * workload.G * workload.S_kv)),
                  .l2_bytes = tiles * kTile * size * 2,
                  .smem_bytes = steps * kTile * size * 2,
                  .flops = steps * 2 * kRows * kTile * size};
  const double step = rates.step_chain * (1 + rates.share * (groups * blocks - 1));
  const double own = steps / groups * step, one_block = rates.start + rates.longest * step * steps / (ctas * groups);
  const double streamed = tiles * rates.copy_latency / (config.at("stages") - 1) * size / 256;
  ModelTime time;
  time.add({{"tensor", made.flops / (kWgmmaPerSm * target.processors)},
            {"L2", made.l2_bytes / (kL2Bytes * target.processors)},
            {"latency", (own + ctas * rates.block_fixed) / lanes},
            {"latency", streamed / lanes},
            {"latency", one_block}});
  time.add({{"launches", kLaunchUs}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

}  // namespace nsajit::templates
