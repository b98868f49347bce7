// Selection on the CPU: register blocks, tile and task sizes to choose from, and why the others are left out.
// Vectors, heads and blocks are those of selection_cpu_math.h.

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/selection_backends.h"
#include "templates/selection/selection_cpu_scratch.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kMaxScratchBytes = 256 * 1024;  // half of the smallest L2 of current servers
constexpr int kMaxPackedTokens = 4096;                 // a longer row is packed in several gathers

bool has_feature(const Target& target, std::string_view feature) {
  return target.features.find(fmt::format("+{}", feature)) != std::string::npos;
}

int best_width(const Target& target) { return has_feature(target, "avx512f") ? 16 : 8; }

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// What follows from a config: the sizes of the register blocks that no dimension names.
struct Blocks {
  int width = 8, lane_heads = 1, score_groups = 1, value_heads = 1;
  int phases = 8;      // neighbouring elements of dk in a vector
  int heads = 1;       // padded to whole vectors
  int registers = 16;  // vector registers of the instruction set
  int key_block = 0;   // 0: does not fit the registers
  int value_vectors = 0;
};

// Most keys whose scores stay in registers beside the queries and one key.
int fit_key_block(const Blocks& blocks) {
  for (int keys = 16; keys >= std::max(blocks.phases, 2); keys /= 2)
    if (blocks.score_groups * (keys + 1) + 1 <= blocks.registers) return keys;
  return 0;
}

// Most vectors of dv, evenly dividing it, whose sums stay in registers beside the values and one probability.
int fit_value_vectors(const Blocks& blocks, int dv) {
  const int all = dv / blocks.width;
  for (int vectors = std::min(all, 8); vectors > 0; --vectors)
    if (all % vectors == 0 && (blocks.value_heads + 1) * vectors + 1 <= blocks.registers) return vectors;
  return 0;
}

Blocks make_blocks(const Problem& problem, const Config& config) {
  Blocks blocks{.width = config.at("width"),
                .lane_heads = config.at("lane_heads"),
                .score_groups = config.at("score_groups"),
                .value_heads = config.at("value_heads")};
  blocks.phases = std::max(1, blocks.width / blocks.lane_heads);
  blocks.heads = round_up(problem.group, blocks.lane_heads);
  blocks.registers = blocks.width == 16 ? 32 : 16;
  blocks.key_block = fit_key_block(blocks);
  blocks.value_vectors = fit_value_vectors(blocks, problem.dv);
  return blocks;
}

struct Packing {
  bool keys = false, values = false;
  int tokens = 0;  // gathered at once
};

Packing make_packing(const Problem& problem, const Config& config) {
  const int tile = config.at("tile");
  if (config.variant != kPackedSdpa) return {config.at("pack_k") == 1, config.at("pack_v") == 1, tile};
  const auto selected = static_cast<std::int64_t>(problem.n_sel) * problem.l_sel;
  return {true, true, round_up(static_cast<int>(std::min<std::int64_t>(selected, kMaxPackedTokens)), tile)};
}

CpuScratch make_scratch(const Problem& problem, const Config& config) {
  const Blocks blocks = make_blocks(problem, config);
  const Packing packing = make_packing(problem, config);
  return make_cpu_scratch({.dk = problem.dk,
                           .dv = problem.dv,
                           .heads = blocks.heads,
                           .lane_heads = blocks.lane_heads,
                           .width = blocks.width,
                           .tile = config.at("tile"),
                           .tokens = packing.tokens,
                           .packed_keys = packing.keys ? packing.tokens : 0,
                           .packed_values = packing.values ? packing.tokens : 0});
}

void check_target(const Problem& problem, const Target& target) {
  const bool known = !target.features.empty();
  if (problem.dtype == DType::FP16 && known && !has_feature(target, "f16c"))
    throw Error(ErrorCode::Unsupported,
                fmt::format("selection in fp16 on the CPU \"{}\": it has no F16C instructions; use bf16 or fp32", target.name));
}

VariantSpace make_query_major(const Problem& problem, const Target& target) {
  VariantSpace space(kQueryMajor);
  space.dimension("width", {8, 16})
      .dimension("lane_heads", {1, 2, 4, 8, 16})
      .dimension("score_groups", {1, 2, 3, 4})
      .dimension("value_heads", {1, 2, 3, 4, 6, 8})
      .dimension("tile", {32, 64, 128})
      .dimension("pack_k", {0, 1})
      .dimension("pack_v", {0, 1})
      .dimension("rows", {8, 32});
  const auto blocks = [problem](const Config& config) { return make_blocks(problem, config); };
  const int width = best_width(target);
  space.require("vectors of 16 floats need AVX-512", [width](const Config& c) { return c.at("width") <= width; })
      .require("the heads of a vector fit its lanes", [](const Config& c) { return c.at("lane_heads") <= c.at("width"); })
      .require("no more heads in a vector than the group has, rounded up to a power of two",
               [problem](const Config& c) {
                 return c.at("lane_heads") <= static_cast<int>(std::bit_ceil(static_cast<unsigned>(problem.group)));
               })
      .require("score blocks divide the vectors of heads",
               [blocks](const Config& c) { return blocks(c).heads / c.at("lane_heads") % c.at("score_groups") == 0; })
      .require("value blocks divide the heads", [blocks](const Config& c) { return blocks(c).heads % c.at("value_heads") == 0; })
      .require("scores of a block stay in vector registers", [blocks](const Config& c) { return blocks(c).key_block > 0; })
      .require("outputs of a block stay in vector registers", [blocks](const Config& c) { return blocks(c).value_vectors > 0; })
      .require("a loaded key serves 8 heads, or all",
               [blocks](const Config& c) { return c.at("lane_heads") * c.at("score_groups") >= std::min(blocks(c).heads, 8); })
      .require("a loaded value serves 4 heads, or all",
               [blocks](const Config& c) { return c.at("value_heads") >= std::min(blocks(c).heads, 4); })
      .require(
          "keys are broadcast from memory: bf16 and fp16 are converted to fp32 first",
          [problem](const Config& c) { return c.at("pack_k") == 1 || c.at("lane_heads") == 1 || problem.dtype == DType::FP32; })
      .require("packed keys are read more than once",
               [problem, blocks](const Config& c) {
                 const bool in_place = c.at("lane_heads") == 1 || problem.dtype == DType::FP32;
                 return c.at("pack_k") == 0 || !in_place || blocks(c).heads > c.at("lane_heads") * c.at("score_groups");
               })
      .require("packed values are read more than once",
               [blocks](const Config& c) { return c.at("pack_v") == 0 || blocks(c).heads > c.at("value_heads"); })
      .require("the scratch of a thread fits in half of its L2 (256 KiB)",
               [problem](const Config& c) { return make_scratch(problem, c).bytes <= kMaxScratchBytes; });
  return space;
}

// Prefers few padding heads, then many heads per loaded key, then many per loaded value.
std::optional<Config> find_default(const Problem& problem, const SearchSpace& space, int width) {
  std::optional<Config> best;
  const auto rank = [&](const Config& c) {
    return std::tuple(-make_blocks(problem, c).heads, c.at("lane_heads"), c.at("score_groups"), c.at("value_heads"),
                      -c.at("pack_k"));
  };
  for (int lane_heads = width; lane_heads > 0; lane_heads /= 2)
    for (const int score_groups : {1, 2, 3, 4})
      for (const int value_heads : {1, 2, 3, 4, 6, 8})
        for (const int pack_k : {0, 1}) {
          const Config config{.variant = kQueryMajor,
                              .values = {{"width", width},
                                         {"lane_heads", lane_heads},
                                         {"score_groups", score_groups},
                                         {"value_heads", value_heads},
                                         {"tile", 32},
                                         {"pack_k", pack_k},
                                         {"pack_v", 0},
                                         {"rows", 8}}};
          if (!space.find_violation(config) && (!best || rank(config) > rank(*best))) best = config;
        }
  return best;
}

}  // namespace

SearchSpace cpu_space(const Problem& problem, const Target& target) {
  check_target(problem, target);
  SearchSpace space;
  space.add(make_query_major(problem, target));
  return space;
}

Config cpu_default_config(const Problem& problem, const Target& target) {
  const auto config = find_default(problem, cpu_space(problem, target), best_width(target));
  if (!config) throw Error(ErrorCode::Unsupported, fmt::format("no CPU config serves {}", to_string(problem)));
  return *config;
}

Config cpu_baseline_config(const Problem& problem, const Target& target) {
  Config config = cpu_default_config(problem, target);  // the same register blocks: a fair opponent
  config.variant = kPackedSdpa;
  config.values.erase("pack_k");
  config.values.erase("pack_v");
  return config;
}

Unit cpu_unit(const Problem& problem, const Config& config, const Target&) {
  const Blocks blocks = make_blocks(problem, config);
  const Packing packing = make_packing(problem, config);
  const bool packed = config.variant == kPackedSdpa;
  Unit unit;
  unit.template_path = packed ? "selection/packed_sdpa_cpu.bc" : "selection/selection_cpu.bc";
  unit.entries = {packed ? "selection_packed_sdpa" : "selection_query_major"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_selection_args";
  unit.args_header = "nsajit/selection_args.h";
  unit.fields = {{"dk", problem.dk},
                 {"dv", problem.dv},
                 {"l_sel", problem.l_sel},
                 {"ranges", problem.input == SelectionInput::Ranges ? 1 : 0},
                 {"group", problem.group},
                 {"heads", blocks.heads},
                 {"width", blocks.width},
                 {"lane_heads", blocks.lane_heads},
                 {"score_groups", blocks.score_groups},
                 {"key_block", blocks.key_block},
                 {"value_heads", blocks.value_heads},
                 {"value_vectors", blocks.value_vectors},
                 {"tile", config.at("tile")},
                 {"tokens", packing.tokens},
                 {"pack_k", packing.keys ? 1 : 0},
                 {"pack_v", packing.values ? 1 : 0}};
  return unit;
}

LaunchPlan cpu_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t rows = workload.B * workload.S * workload.G;
  // Short grids (decode) are cut finer, so that every thread gets at least 4 tasks.
  const std::int64_t even = std::max<std::int64_t>(1, rows / (4 * std::max(1, target.processors)));
  const std::int64_t task = std::min<std::int64_t>(config.at("rows"), even);
  LaunchStep step;
  step.grid = {static_cast<std::uint32_t>((rows + task - 1) / task), 1, 1};
  step.block = {static_cast<std::uint32_t>(task), 1, 1};
  step.smem_bytes = static_cast<std::uint32_t>(make_scratch(workload.problem, config).bytes);
  return {.steps = {step}, .workspace_bytes = 0};
}

}  // namespace nsajit::templates
