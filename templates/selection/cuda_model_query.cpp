// CUDA model of the query-major family: a warp per row streams the row's tiles, alone or from a union that its
// neighbours share, or from a packed copy.

#include <algorithm>
#include <cmath>

#include "templates/common/residency.h"
#include "templates/selection/cuda_model.h"
#include "templates/selection/selection_backends.h"
#include "templates/selection/selection_expectation.h"

namespace nsajit::templates {
namespace {

constexpr double kUnionTile = 64;  // keys of a tile of query_union

// What matrix instructions compute for a row: groups are padded to 8 or 16 heads.
int padded_heads(const Problem& problem, const Config& config) {
  const int tile = config.at("columns") != 0 ? config.at("heads") : 16;
  return (problem.group + tile - 1) / tile * tile;
}

double row_bytes(const Problem& problem) { return 2.0 * (problem.dk + problem.dv); }

// Bytes of Q, O and of K and V once.
double compulsory_bytes(const Workload& workload, const SelectionMeans& means) {
  const Problem& p = workload.problem;
  return row_bytes(p) * (means.rows * p.group + static_cast<double>(workload.B * workload.G * workload.S_kv));
}

// Registers that ptxas gives, close enough to count blocks.
int query_registers(const Problem& problem, const Config& config) {
  const int heads = config.at("columns") != 0 ? config.at("heads") : 16;
  return std::min(255, 72 + heads / 8 * (problem.dk / 8 + problem.dv / 4 + config.at("keys") / 4) * 9 / 10);
}

int union_registers(const Problem& problem, const Config& config) {
  const int heads = config.at("columns") != 0 ? config.at("heads") : 16;
  const int q = config.at("q_shared") != 0 ? 0 : problem.dk / 8;
  return std::min(255, 56 + heads / 8 * (q + problem.dv / 4 + config.at("keys") / 4));
}

// Expected number of tiles that the busiest of `rows` warps takes out of a window of `stages`, each with probability `share`.
double expect_busiest(int stages, int rows, double share) {
  double expected = 0, probability = std::pow(1 - share, stages), below = 0;
  for (int taken = 0; taken < stages; ++taken) {
    below += probability;
    expected += 1 - std::pow(std::min(below, 1.0), rows);
    probability *= share < 1 ? (stages - taken) / (taken + 1.0) * share / (1 - share) : 0;
  }
  return share < 1 ? expected : stages;
}

}  // namespace

double common_share(const Workload& workload, int queries, double blocks) {
  const auto common = [](const SelectionMeans& means) { return 1 - means.union_blocks / means.pairs; };
  Workload apart = workload;
  apart.overlap_percent = 0;
  return std::max(common(expect_selection(workload, queries)),
                  common(expect_selection(apart, queries * static_cast<int>(blocks))));
}

Prediction predict_query_major(const Workload& workload, const Config& config, const Target& target,
                               const QueryMajorRates& rates) {
  const Problem& p = workload.problem;
  const LaunchStep step = selection::kCudaFunctions.plan(workload, config, target).steps.front();
  const int splits = config.variant == "query_split" ? config.at("splits") : 1;
  const int queries = config.at("queries"), key_warps = config.at("key_warps") * splits, keys = config.at("keys");
  const double blocks = resident_blocks(step, query_registers(p, config), target), warps = blocks * step.block[0] / 32;
  const double processors = target.processors, row_warps = splits * step.block[0] / 32.0 / queries;
  const SelectionMeans means = expect_selection(workload, queries);
  const double selected = means.tokens * row_bytes(p);
  const double found = config.at("through_l1") != 0 ? rates.l1_share * common_share(workload, queries, blocks) : 0;
  ModelTime time;
  Prediction made{.hbm_bytes = compulsory_bytes(workload, means),
                  .l2_bytes = selected * (1 - found),
                  .smem_bytes = selected,
                  .flops = 2 * means.tokens * padded_heads(p, config) * (p.dk + p.dv)};

  const double head_warps = row_warps / key_warps, tile_heads = padded_heads(p, config) / head_warps;
  const double steps = means.tokens / keys * head_warps;  // of all warps
  const double units = keys / 16.0 * (p.dk + p.dv) / 256.0 * tile_heads / 8;
  const double copied = keys / 16.0 * (p.dk + p.dv) / 256.0 / head_warps;
  const double chain = rates.unit_chain * units;
  const double row_fixed = rates.row_fixed + (splits > 1 ? rates.split_fixed : 0);
  const double waited = steps * chain + means.rows * row_warps * row_fixed;
  const double one_row = means.tokens / means.rows / (keys * key_warps) * chain + row_fixed;
  time.add(
      {{"L2", (made.l2_bytes + 2 * means.tokens * (1 - found) * rates.l2_request) / (rates.l2_per_sm * processors)},
       {"HBM", made.hbm_bytes / kHbmBytes},
       {"instructions", steps * (rates.step_issue + rates.unit_issue * units + rates.copy_issue * copied) / (4 * processors)},
       {"latency", waited / (processors * warps)},
       {"latency", one_row}});
  time.add({{"launches", kLaunchUs}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

Prediction predict_query_union(const Workload& workload, const Config& config, const Target& target,
                               const QueryUnionRates& rates) {
  const Problem& p = workload.problem;
  const LaunchStep step = selection::kCudaFunctions.plan(workload, config, target).steps.front();
  const int rows = config.at("queries"), keys = config.at("keys"), stages = config.at("stages");
  const SelectionMeans means = expect_selection(workload, rows);
  const double blocks = resident_blocks(step, union_registers(p, config), target);
  const double lanes = target.processors * blocks;  // blocks at work

  const double tile_bytes = kUnionTile * row_bytes(p), tiles = means.union_blocks * p.l_sel / kUnionTile;
  const double taken = means.tokens / kUnionTile;
  const double share = std::min(1.0, taken / (tiles * rows));
  ModelTime time;
  Prediction made{.hbm_bytes = compulsory_bytes(workload, means),
                  .l2_bytes = tiles * tile_bytes,
                  .smem_bytes = means.tokens * row_bytes(p),
                  .flops = 2 * means.tokens * padded_heads(p, config) * (p.dk + p.dv)};
  const double units = keys / 16.0 * (p.dk + p.dv) / 256.0 * padded_heads(p, config) / 8;
  const double per_tile = kUnionTile / keys;
  const double own_tile = per_tile * (rates.step_chain + rates.unit_chain * units);
  const double in_order = expect_busiest(stages, rows, share) / stages * own_tile;
  const double produced = rates.copy_latency / stages + rates.copy_issue * tile_bytes / 512;
  const double starts = means.runs * rates.block_fixed;
  time.add({{"L2", made.l2_bytes / (rates.l2_per_sm * target.processors)},
            {"instructions", taken * per_tile * (rates.step_issue + rates.unit_issue * units) / (4 * target.processors)},
            {"latency", (tiles * in_order + starts) / lanes},
            {"latency", (tiles * produced + starts) / lanes}});
  time.add({{"launches", kLaunchUs}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

Prediction predict_packed_sdpa(const Workload& workload, const Config& config, const Target& target, const PackedRates& rates) {
  const Problem& p = workload.problem;
  const SelectionMeans means = expect_selection(workload, 1);
  const double selected = means.tokens * row_bytes(p);
  ModelTime time;
  Prediction made{.hbm_bytes = 2 * selected + compulsory_bytes(workload, means),
                  .l2_bytes = 3 * selected,
                  .smem_bytes = selected,
                  .flops = 2 * means.tokens * padded_heads(p, config) * (p.dk + p.dv)};
  time.add({{"HBM", selected / rates.write}});
  time.add({{"HBM", selected / rates.read}});
  time.add(
      {{"launches", kLaunchUs * static_cast<double>(selection::kCudaFunctions.plan(workload, config, target).steps.size())}});
  made.time_us = time.time_us();
  made.bound = time.bound();
  return made;
}

}  // namespace nsajit::templates
