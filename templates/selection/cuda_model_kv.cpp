// CUDA model of the KV-major variants: the index, the main pass with its gathered Q and partial results, the merge; each
// once per chunk of rows.

#include <algorithm>
#include <cmath>

#include "templates/common/residency.h"
#include "templates/selection/cuda_model.h"
#include "templates/selection/selection_backends.h"
#include "templates/selection/selection_expectation.h"

namespace nsajit::templates {
namespace {

constexpr int kMainEntry = 3;     // of the unit's entries
constexpr double kNearTiles = 3;  // of a row, which kv_near_wgmma computes as it merges

// What ptxas takes where blocks_per_sm leaves it the choice, seen on SM 90a.
int free_registers(const Problem& problem, int tile, const LaunchStep& step, bool wgmma) {
  const int natural = wgmma ? 62 + problem.dv : 80 + (problem.dk + problem.dv) / 16 + problem.dv / 2 + tile / 4;
  const int threads = static_cast<int>(step.block[0]);
  return std::min({natural, 255, 65536 / threads});
}

// Of bytes that are read again and again, the part that finds no room in the last-level cache.
double missed(double bytes, double cache) { return bytes > cache ? 1 - cache / bytes : 0; }

}  // namespace

Prediction predict_kv_major(const Workload& workload, const Config& config, const Target& target, const KvMajorRates& rates) {
  const Problem& p = workload.problem;
  const LaunchPlan plan = selection::kCudaFunctions.plan(workload, config, target);
  const LaunchStep step = plan.steps.at(kMainEntry);
  const bool wgmma = config.variant != "kv_major", near = config.variant == "kv_near_wgmma";
  const int tile = p.l_sel % 16 == 0 && p.l_sel >= 32 && p.l_sel <= 128 ? p.l_sel : 64;
  const SelectionMeans means = expect_selection(workload, 1);
  const double all_pairs = means.pairs * std::max(1.0, static_cast<double>(p.l_sel) / tile), heads = p.group;
  const double near_pairs = near ? std::min(all_pairs, kNearTiles * means.rows) : 0, pairs = all_pairs - near_pairs;
  const double processors = target.processors, chunks = static_cast<double>(plan.steps.size()) / 5;
  const double asked = config.at("blocks_per_sm"), warps = step.block[0] / 32.0;
  const double blocks = std::max(asked, resident_blocks(step, free_registers(p, tile, step, wgmma), target));

  // A (b, g) at a time, so Q of one of them is what is gathered from.
  const double q_bytes = 2 * pairs * heads * p.dk, partial_bytes = pairs * heads * (2 * p.dv + 4);
  const double q_once = 2 * means.rows * heads * p.dk;
  const double out_bytes = 2 * means.rows * heads * p.dv + (near ? q_once : 0);  // what the merge moves besides
  const double q_group = q_once / static_cast<double>(workload.B * workload.G) / chunks;
  const double q_hbm = std::max(q_once, q_bytes * missed(q_group, rates.l2_share * static_cast<double>(target.l2_bytes)));
  const double items = pairs / config.at("item_pairs") +
                       0.5 * chunks * static_cast<double>(workload.B * workload.G * ((workload.S_kv + tile - 1) / tile));
  const double kv_bytes = items * tile * 2.0 * (p.dk + p.dv);
  const double steps = pairs * heads / 16;  // of 16 rows and one tile
  const double units = tile / 64.0 * (p.dk + p.dv) / 256.0;
  ModelTime time;
  Prediction made{.hbm_bytes = q_hbm + 2 * partial_bytes + out_bytes,
                  .l2_bytes = q_bytes + 2 * partial_bytes + kv_bytes,
                  .smem_bytes = steps / (wgmma ? 4 : 1) * tile * 2.0 * (p.dk + p.dv) + q_bytes,
                  .flops = 2 * (steps * 16 + near_pairs * heads) * tile * (p.dk + p.dv)};

  const double one_step = rates.step_chain + rates.unit_chain * units;
  const double at_work = processors * blocks;
  const double item_time = rates.item_fixed + pairs / items * heads / 16 / warps * one_step;
  const double waited = (steps * one_step / warps + items * rates.item_fixed) / at_work;
  time.add({{"HBM", (q_hbm + partial_bytes) / kHbmBytes},
            {"L2", (q_bytes + partial_bytes + kv_bytes) / (kL2Bytes * processors)},
            {"shared memory", made.smem_bytes / (kSmemPerSm * processors)},
            {"tensor cores", 2 * steps * 16 * tile * (p.dk + p.dv) / ((wgmma ? kWgmmaPerSm : kMmaPerSm) * processors)},
            {"instructions", steps * (rates.unit_issue * units) / (4 * processors)},
            {"latency", waited}});
  time.add({{"latency", rates.tail * item_time}});
  time.add({{"HBM", (partial_bytes + out_bytes) / rates.merge}});
  time.add({{"launches", chunks * (rates.chunk_fixed + 5 * kLaunchUs)}});
  time.add({{"latency", rates.row_fixed * means.rows}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

}  // namespace nsajit::templates
