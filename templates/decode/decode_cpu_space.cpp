// The decode step on the CPU: the blocks of every CPU attention. Keys and values are always packed.

#include "templates/common/compression.h"
#include "templates/common/cpu_blocks.h"
#include "templates/decode/decode_backends.h"

namespace nsajit::templates::decode {
namespace {

constexpr const char* kRow = "decode_row";

CpuPacking make_packing(const Config& config) { return {true, true, config.at("tile")}; }

// Behind the scratch of attention: the gated sum, what choose_blocks keeps, sums of all keys.
std::int64_t scratch_bytes(const Workload& w, const Config& config) {
  const std::int64_t tile = config.at("tile"), keys = (count_compressed(w.problem, w.S_kv) / tile + 1) * tile;
  const std::int64_t heads = make_cpu_blocks(w.problem, config).heads;
  return make_cpu_scratch(w.problem, config, make_packing(config)).bytes + 4 * (heads * w.problem.dv + 3 * w.n + keys);
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target("decode", problem, target);
  VariantSpace space(kRow);
  add_score_blocks(space);
  space.dimension("value_heads", {1, 2, 3, 4, 6, 8}).dimension("tile", {32, 64, 128}).dimension("pack_k", {1});
  require_score_blocks(space, problem, target);
  require_value_blocks(space, problem);
  space.require("the scratch of a thread's tiles fits in half of its L2 (256 KiB)",
                [problem](const Config& c) { return make_cpu_scratch(problem, c, make_packing(c)).bytes <= kMaxScratchBytes; });
  SearchSpace all;
  all.add(std::move(space));
  return all;
}

Config make_default(const Problem& problem, const Target& target) {
  const Config base{.variant = kRow, .values = {{"value_heads", 1}, {"tile", 32}}};
  return find_default_blocks(problem, make_space(problem, target), target, base);
}

// The same kernel: there is no other way to do the step in one pass.
Config make_baseline(const Problem& problem, const Target& target) {
  Config config = make_default(problem, target);
  config.variant = kPackedSdpa;
  return config;
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit;
  unit.template_path = "decode/decode_cpu.bc";
  unit.entries = {"decode_step"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_decode_args";
  unit.args_header = "nsajit/decode_args.h";
  unit.fields = make_cpu_fields(problem, config, make_packing(config));
  for (const auto& [name, value] :
       {std::pair{"l", problem.l}, {"d", problem.d}, {"l_sel", problem.l_sel}, {"w", problem.w}, {"ranges", 0}, {"ranges_v2", 0}})
    unit.fields.emplace_back(name, value);
  return unit;
}

LaunchPlan make_plan(const Workload& w, const Config& config, const Target& target) {
  return {.steps = {make_cpu_step(w.B * w.G, 1, 1, target, scratch_bytes(w, config))}, .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::decode
