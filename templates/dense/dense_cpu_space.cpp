// Dense attention on the CPU: how many queries read their keys together, beside the blocks of every CPU attention.

#include <algorithm>

#include "templates/common/cpu_blocks.h"
#include "templates/dense/dense_backends.h"

namespace nsajit::templates::dense {
namespace {

constexpr int kPackedKeys = 1024;  // the baseline packs as many at once
constexpr int kTaskRows = 32;
constexpr int kMostHeads = 64;  // of all queries of a tile

CpuPacking make_packing(const Config& config) {
  if (config.variant != kPackedSdpa) return make_tile_packing(config);
  return {true, true, round_up(kPackedKeys, config.at("tile"))};
}

VariantSpace make_query_tile(const Problem& problem, const Target& target) {
  VariantSpace space(kQueryTile);
  add_score_blocks(space);
  space.dimension("queries", {1, 4, 16})
      .dimension("value_heads", {1, 4, 8})
      .dimension("tile", {32, 128})
      .dimension("pack_k", {0, 1})
      .dimension("pack_v", {0, 1});
  space.require("one query, or 64 heads of several at most",
                [problem](const Config& c) { return c.at("queries") == 1 || c.at("queries") * problem.group <= kMostHeads; });
  space.require("a loaded key serves 16 heads, or all, where several queries read it", [problem](const Config& c) {
    const int heads = make_cpu_blocks(problem, c).heads;
    return c.at("queries") == 1 || c.at("lane_heads") * c.at("score_groups") >= std::min(heads, 16);
  });
  require_score_blocks(space, problem, target);
  require_value_blocks(space, problem);
  require_key_packing(space, problem);
  space
      .require("bf16 and fp16 that several queries read are converted once",
               [problem](const Config& c) {
                 return c.at("queries") == 1 || problem.dtype == DType::FP32 || (c.at("pack_k") == 1 && c.at("pack_v") == 1);
               })
      .require("keys and values are both packed or both read in place where several queries read them",
               [](const Config& c) { return c.at("queries") == 1 || c.at("pack_k") == c.at("pack_v"); })
      .require("the scratch of a thread fits in half of its L2 (256 KiB)",
               [problem](const Config& c) { return make_cpu_scratch(problem, c, make_packing(c)).bytes <= kMaxScratchBytes; });
  return space;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target(to_string(problem.branch), problem, target);
  SearchSpace space;
  space.add(make_query_tile(problem, target));
  return space;
}

// As many queries as fill about 16 heads.
Config make_default(const Problem& problem, const Target& target) {
  const int queries = problem.group >= 16 ? 1 : problem.group >= 4 ? 4 : 16;
  const bool packed = queries > 1 && problem.dtype != DType::FP32;
  const Config base{.variant = kQueryTile,
                    .values = {{"queries", queries}, {"value_heads", 1}, {"tile", 32}, {"pack_v", packed ? 1 : 0}}};
  return find_default_blocks(problem, make_space(problem, target), target, base);
}

Config make_baseline(const Problem& problem, const Target& target) {
  Config config = make_default(problem, target);  // the same blocks and as many queries: a fair opponent
  config.variant = kPackedSdpa;
  config.values.erase("pack_k");
  config.values.erase("pack_v");
  return config;
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit;
  unit.template_path = "dense/dense_cpu.bc";
  unit.entries = {"dense_attention"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_dense_args";
  unit.args_header = "nsajit/dense_args.h";
  unit.fields = make_cpu_fields(problem, config, make_packing(config));
  unit.fields.emplace_back("compressed", problem.branch == Branch::Compressed ? 1 : 0);
  unit.fields.emplace_back("w", problem.w);
  unit.fields.emplace_back("l", problem.l);
  unit.fields.emplace_back("d", problem.d);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  const CpuScratch scratch = make_cpu_scratch(workload.problem, config, make_packing(config));
  const std::int64_t rows = workload.B * workload.S * workload.G;
  return {.steps = {make_cpu_step(rows, kTaskRows, config.at("queries"), target, scratch.bytes)}, .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::dense
