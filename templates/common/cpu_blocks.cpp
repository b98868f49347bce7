// CPU blocks: vectors, heads and blocks are those of cpu_scores.h and cpu_attention.h.

#include "templates/common/cpu_blocks.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::templates {
namespace {

bool has_feature(const Target& target, std::string_view feature) {
  return target.features.find(fmt::format("+{}", feature)) != std::string::npos;
}

// A dimension that not every branch has.
int value_or(const Config& config, const char* name, int otherwise) {
  const auto found = config.values.find(name);
  return found == config.values.end() ? otherwise : found->second;
}

// Most keys whose scores stay in registers beside the queries and one key.
int fit_key_block(const CpuBlocks& blocks) {
  for (int keys = 16; keys >= std::max(blocks.phases, 2); keys /= 2)
    if (blocks.score_groups * (keys + 1) + 1 <= blocks.registers) return keys;
  return 0;
}

// Most vectors of dv, evenly dividing it, whose sums stay in registers beside the values and one probability.
int fit_value_vectors(const CpuBlocks& blocks, int dv) {
  const int all = dv / blocks.width;
  for (int vectors = std::min(all, 8); vectors > 0; --vectors)
    if (all % vectors == 0 && (blocks.value_heads + 1) * vectors + 1 <= blocks.registers) return vectors;
  return 0;
}

}  // namespace

int best_width(const Target& target) { return has_feature(target, "avx512f") ? 16 : 8; }

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

void check_cpu_target(std::string_view op, const Problem& problem, const Target& target) {
  const bool known = !target.features.empty();
  if (problem.dtype == DType::FP16 && known && !has_feature(target, "f16c"))
    throw Error(ErrorCode::Unsupported,
                fmt::format("{} in fp16 on the CPU \"{}\": it has no F16C instructions; use bf16 or fp32", op, target.name));
}

CpuBlocks make_cpu_blocks(const Problem& problem, const Config& config) {
  CpuBlocks blocks{.width = config.at("width"),
                   .lane_heads = config.at("lane_heads"),
                   .score_groups = config.at("score_groups"),
                   .value_heads = value_or(config, "value_heads", 1),
                   .queries = value_or(config, "queries", 1)};
  blocks.phases = std::max(1, blocks.width / blocks.lane_heads);
  blocks.heads = round_up(blocks.queries * problem.group, blocks.lane_heads);
  blocks.registers = blocks.width == 16 ? 32 : 16;
  blocks.key_block = fit_key_block(blocks);
  blocks.value_vectors = fit_value_vectors(blocks, problem.dv);
  return blocks;
}

CpuPacking make_tile_packing(const Config& config) {
  return {config.at("pack_k") == 1, value_or(config, "pack_v", 0) == 1, config.at("tile")};
}

CpuScratch make_cpu_scratch(const Problem& problem, const Config& config, const CpuPacking& packing) {
  const CpuBlocks blocks = make_cpu_blocks(problem, config);
  return make_cpu_scratch({.dk = problem.dk,
                           .dv = problem.dv,
                           .heads = blocks.heads,
                           .lane_heads = blocks.lane_heads,
                           .width = blocks.width,
                           .tile = config.at("tile"),
                           .tokens = packing.tokens,
                           .packed_keys = packing.keys ? packing.tokens : 0,
                           .packed_values = packing.values ? packing.tokens : 0,
                           .masked = blocks.queries > 1});
}

std::vector<std::pair<std::string, int>> make_cpu_fields(const Problem& problem, const Config& config,
                                                         const CpuPacking& packing) {
  const CpuBlocks blocks = make_cpu_blocks(problem, config);
  return {{"dk", problem.dk},
          {"dv", problem.dv},
          {"group", problem.group},
          {"queries", blocks.queries},
          {"masked", blocks.queries > 1 ? 1 : 0},
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
}

void require_vector_width(VariantSpace& space, const Target& target) {
  const int width = best_width(target);
  space.require("vectors of 16 floats need AVX-512", [width](const Config& c) { return c.at("width") <= width; });
}

void add_score_blocks(VariantSpace& space) {
  space.dimension("width", {8, 16}).dimension("lane_heads", {1, 2, 4, 8, 16}).dimension("score_groups", {1, 2, 3, 4});
}

void require_score_blocks(VariantSpace& space, const Problem& problem, const Target& target) {
  const auto blocks = [problem](const Config& config) { return make_cpu_blocks(problem, config); };
  require_vector_width(space, target);
  space
      .require("the heads of a vector fit its lanes", [](const Config& c) { return c.at("lane_heads") <= c.at("width"); })
      .require("no more heads in a vector than are attended to together, rounded up to a power of two",
               [problem, blocks](const Config& c) {
                 const auto heads = static_cast<unsigned>(blocks(c).queries * problem.group);
                 return c.at("lane_heads") <= static_cast<int>(std::bit_ceil(heads));
               })
      .require("score blocks divide the vectors of heads",
               [blocks](const Config& c) { return blocks(c).heads / c.at("lane_heads") % c.at("score_groups") == 0; })
      .require("scores of a block stay in vector registers", [blocks](const Config& c) { return blocks(c).key_block > 0; })
      .require("a loaded key serves 8 heads, or all",
               [blocks](const Config& c) { return c.at("lane_heads") * c.at("score_groups") >= std::min(blocks(c).heads, 8); });
}

void require_value_blocks(VariantSpace& space, const Problem& problem) {
  const auto blocks = [problem](const Config& config) { return make_cpu_blocks(problem, config); };
  space.require("value blocks divide the heads", [blocks](const Config& c) { return blocks(c).heads % c.at("value_heads") == 0; })
      .require("outputs of a block stay in vector registers", [blocks](const Config& c) { return blocks(c).value_vectors > 0; })
      .require("a loaded value serves 4 heads, or all",
               [blocks](const Config& c) { return c.at("value_heads") >= std::min(blocks(c).heads, 4); })
      .require("packed values are read more than once",
               [blocks](const Config& c) { return value_or(c, "pack_v", 0) == 0 || blocks(c).heads > c.at("value_heads"); });
}

void require_key_packing(VariantSpace& space, const Problem& problem) {
  const auto blocks = [problem](const Config& config) { return make_cpu_blocks(problem, config); };
  const bool in_place = problem.dtype == DType::FP32;
  space
      .require("keys are broadcast from memory: bf16 and fp16 are converted to fp32 first",
               [in_place](const Config& c) { return c.at("pack_k") == 1 || c.at("lane_heads") == 1 || in_place; })
      .require("packed keys are read more than once", [blocks, in_place](const Config& c) {
        const bool readable = c.at("lane_heads") == 1 || in_place;
        return c.at("pack_k") == 0 || !readable || blocks(c).heads > c.at("lane_heads") * c.at("score_groups");
      });
}

Config find_default_blocks(const Problem& problem, const SearchSpace& space, const Target& target, const Config& base) {
  std::optional<Config> best;
  const auto rank = [&](const Config& c) {
    return std::tuple(-make_cpu_blocks(problem, c).heads, c.at("lane_heads"), c.at("score_groups"), value_or(c, "value_heads", 1),
                      -c.at("pack_k"));
  };
  Config config = base;
  config.values["width"] = best_width(target);
  for (int lane_heads = best_width(target); lane_heads > 0; lane_heads /= 2)
    for (const int score_groups : {1, 2, 3, 4})
      for (const int value_heads : {1, 2, 3, 4, 6, 8})
        for (const int pack_k : {0, 1}) {
          config.values["lane_heads"] = lane_heads;
          config.values["score_groups"] = score_groups;
          if (base.values.contains("value_heads")) config.values["value_heads"] = value_heads;
          config.values["pack_k"] = pack_k;
          if (!space.find_violation(config) && (!best || rank(config) > rank(*best))) best = config;
        }
  if (!best) throw Error(ErrorCode::Unsupported, fmt::format("no CPU config of {} serves {}", base.variant, to_string(problem)));
  return *best;
}

LaunchStep make_cpu_step(std::int64_t all_rows, std::int64_t rows, std::int64_t least, const Target& target,
                         std::int64_t scratch_bytes) {
  // Every thread gets at least 4 tasks where there are enough rows.
  const std::int64_t even = std::max(least, all_rows / (4 * std::max(1, target.processors)) / least * least);
  const std::int64_t task = std::min(rows, even);
  LaunchStep step;
  step.grid = {static_cast<std::uint32_t>((all_rows + task - 1) / task), 1, 1};
  step.block = {static_cast<std::uint32_t>(task), 1, 1};
  step.smem_bytes = static_cast<std::uint32_t>(scratch_bytes);
  return step;
}

}  // namespace nsajit::templates
