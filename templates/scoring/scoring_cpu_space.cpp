// Scoring on the CPU: how many queries read their keys together, beside the score blocks of every CPU attention.

#include <algorithm>

#include "templates/common/compression.h"
#include "templates/common/cpu_blocks.h"
#include "templates/scoring/scoring_backends.h"

namespace nsajit::templates::scoring {
namespace {

constexpr int kPackedKeys = 1024;  // the baseline packs as many at once
constexpr int kTaskRows = 16;
constexpr int kMostHeads = 64;  // of all queries of a tile

// No values: the scratch and the blocks of V are not there.
Problem without_values(Problem problem) {
  problem.dv = 0;
  return problem;
}

CpuPacking make_packing(const Config& config) {
  if (config.variant != kPackedSdpa) return make_tile_packing(config);
  return {true, false, round_up(kPackedKeys, config.at("tile"))};
}

// Behind the scratch of the scores: sums of all keys for each query, then what choose_blocks keeps.
std::int64_t scratch_bytes(const Workload& w, const Config& config) {
  const std::int64_t tile = config.at("tile"), keys = (count_compressed(w.problem, w.S_kv) / tile + 1) * tile;
  const std::int64_t queries = make_cpu_blocks(w.problem, config).queries;
  return make_cpu_scratch(without_values(w.problem), config, make_packing(config)).bytes + 4 * (queries * keys + 3 * w.n);
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target("scoring", problem, target);
  VariantSpace space(kTopN);
  add_score_blocks(space);
  space.dimension("queries", {1, 4, 16}).dimension("tile", {32, 128}).dimension("pack_k", {0, 1});
  space.require("one query, or 64 heads of several at most",
                [problem](const Config& c) { return c.at("queries") == 1 || c.at("queries") * problem.group <= kMostHeads; });
  require_score_blocks(space, problem, target);
  require_key_packing(space, problem);
  space.require("the scratch of a thread's scores fits in half of its L2 (256 KiB)", [problem](const Config& c) {
    return make_cpu_scratch(without_values(problem), c, make_packing(c)).bytes <= kMaxScratchBytes;
  });
  SearchSpace all;
  all.add(std::move(space));
  return all;
}

Config make_default(const Problem& problem, const Target& target) {
  const int queries = problem.group >= 16 ? 1 : problem.group >= 4 ? 4 : 16;
  const Config base{.variant = kTopN, .values = {{"queries", queries}, {"tile", 32}}};
  return find_default_blocks(problem, make_space(problem, target), target, base);
}

Config make_baseline(const Problem& problem, const Target& target) {
  Config config = make_default(problem, target);  // the same blocks and as many queries: a fair opponent
  config.variant = kPackedSdpa;
  config.values.erase("pack_k");
  return config;
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit;
  unit.template_path = "scoring/scoring_cpu.bc";
  unit.entries = {"scoring_top_n"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_scoring_args";
  unit.args_header = "nsajit/scoring_args.h";
  unit.fields = make_cpu_fields(without_values(problem), config, make_packing(config));
  unit.fields.emplace_back("l", problem.l);
  unit.fields.emplace_back("d", problem.d);
  unit.fields.emplace_back("l_sel", problem.l_sel);
  unit.fields.emplace_back("ranges", problem.input == SelectionInput::Ranges ? 1 : 0);
  unit.fields.emplace_back("ranges_v2", config.variant == kPackedSdpa ? 0 : 1);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t rows = workload.B * workload.S * workload.G, queries = make_cpu_blocks(workload.problem, config).queries;
  return {.steps = {make_cpu_step(rows, kTaskRows, queries, target, scratch_bytes(workload, config))}, .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::scoring
