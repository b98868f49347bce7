// Selection on the CPU: its variants, and the configs that always exist. Blocks are those of every CPU attention.

#include <algorithm>
#include <string>

#include "templates/common/cpu_blocks.h"
#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
namespace {

constexpr int kMaxPackedTokens = 4096;  // a longer row is packed in several gathers

CpuPacking make_packing(const Problem& problem, const Config& config) {
  if (config.variant != kPackedSdpa) return make_tile_packing(config);
  const auto selected = static_cast<std::int64_t>(problem.n_sel) * problem.l_sel;
  return {true, true, round_up(static_cast<int>(std::min<std::int64_t>(selected, kMaxPackedTokens)), config.at("tile"))};
}

VariantSpace make_query_major(const Problem& problem, const Target& target) {
  VariantSpace space(kQueryMajor);
  add_score_blocks(space);
  space.dimension("value_heads", {1, 2, 3, 4, 6, 8})
      .dimension("tile", {32, 64, 128})
      .dimension("pack_k", {0, 1})
      .dimension("pack_v", {0, 1})
      .dimension("rows", {8, 32});
  require_score_blocks(space, problem, target);
  require_value_blocks(space, problem);
  require_key_packing(space, problem);
  space.require("the scratch of a thread fits in half of its L2 (256 KiB)", [problem](const Config& c) {
    return make_cpu_scratch(problem, c, make_packing(problem, c)).bytes <= kMaxScratchBytes;
  });
  return space;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target("selection", problem, target);
  SearchSpace space;
  space.add(make_query_major(problem, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  const Config base{.variant = kQueryMajor, .values = {{"value_heads", 1}, {"tile", 32}, {"pack_v", 0}, {"rows", 8}}};
  return find_default_blocks(problem, make_space(problem, target), target, base);
}

Config make_baseline(const Problem& problem, const Target& target) {
  Config config = make_default(problem, target);  // the same register blocks: a fair opponent
  config.variant = kPackedSdpa;
  config.values.erase("pack_k");
  config.values.erase("pack_v");
  return config;
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  const bool packed = config.variant == kPackedSdpa;
  Unit unit;
  unit.template_path = packed ? "selection/packed_sdpa_cpu.bc" : "selection/selection_cpu.bc";
  unit.entries = {packed ? "selection_packed_sdpa" : "selection_query_major"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_selection_args";
  unit.args_header = "nsajit/selection_args.h";
  unit.fields = make_cpu_fields(problem, config, make_packing(problem, config));
  unit.fields.emplace_back("l_sel", problem.l_sel);
  unit.fields.emplace_back("ranges", problem.input == SelectionInput::Ranges ? 1 : 0);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  const CpuScratch scratch = make_cpu_scratch(workload.problem, config, make_packing(workload.problem, config));
  return {.steps = {make_cpu_step(workload.B * workload.S * workload.G, config.at("rows"), 1, target, scratch.bytes)},
          .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions selection::kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates
