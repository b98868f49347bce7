// CUDA model of query-major in fp32: a warp streams the tiles of its row for up to eight heads, on the plain arithmetic
// units. Instructions weigh what bytes do elsewhere, and the shared memory of long tiles costs warps that hide latency.

#include <algorithm>
#include <cmath>

#include "templates/selection/cuda_fp32_footprint.h"
#include "templates/selection/cuda_model.h"
#include "templates/selection/selection_expectation.h"

namespace nsajit::templates {
namespace {

constexpr double kLanes = 32;

// Multiplications of a lane for one tile: a lane has a share of a key's scores, and four columns of O for a share of the keys;
// where columns and shares are fewer than lanes, some idle.
double lane_products(const Problem& p, const Config& config, int heads) {
  const double keys = config.at("keys"), columns = p.dv / 4.0;
  const double shares = std::min(std::max(kLanes / columns, 1.0), keys / 4);
  const double values = std::ceil(columns / kLanes) * 4 * keys / shares;
  return heads * (keys * p.dk / kLanes + values);
}

}  // namespace

Prediction predict_query_major_fp32(const Workload& workload, const Config& config, const Target& target,
                                    const Fp32Rates& rates) {
  const Problem& p = workload.problem;
  const Fp32Footprint f = fp32_footprint(p, config, target);
  const int queries = config.at("queries"), key_warps = config.at("key_warps");
  const double keys = config.at("keys"), key_bytes = 4.0 * (p.dk + p.dv), processors = target.processors;
  const double row_warps = f.threads / kLanes / queries, head_warps = row_warps / key_warps;
  const double warps = f.blocks_per_sm * f.threads / kLanes;
  const SelectionMeans means = expect_selection(workload, queries);
  const double selected = means.tokens * key_bytes;
  const double found = config.at("through_l1") != 0 ? rates.l1_share * common_share(workload, queries, f.blocks_per_sm) : 0;
  Prediction made{.hbm_bytes = key_bytes * (means.rows * p.group + static_cast<double>(workload.B * workload.G * workload.S_kv)),
                  .l2_bytes = selected * (1 - found),
                  .smem_bytes = selected * head_warps,
                  .flops = 2 * means.tokens * f.heads * head_warps * (p.dk + p.dv)};

  const double steps = means.tokens / keys * head_warps;  // of all warps
  const double issued = rates.head_issue * f.heads + rates.product_issue * lane_products(p, config, f.heads) +
                        rates.copy_issue * keys * key_bytes / (16 * kLanes) / head_warps;
  const double chain = rates.step_chain + rates.issue_chain * issued;
  const double one_row = means.tokens / means.rows / (keys * key_warps) * chain + rates.row_fixed;
  ModelTime time;
  time.add({{"L2", (made.l2_bytes + 2 * means.tokens * (1 - found) * rates.l2_request) / (rates.l2_per_sm * processors)},
            {"HBM", made.hbm_bytes / kHbmBytes},
            {"instructions", (steps * issued + means.rows * row_warps * rates.row_issue) / (4 * processors)},
            {"latency", (steps * chain + means.rows * row_warps * rates.row_fixed) / (processors * warps)},
            {"latency", one_row}});
  time.add({{"launches", kLaunchUs}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

}  // namespace nsajit::templates
