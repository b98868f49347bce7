#pragma once
// CPU blocks: the register blocks and tiles that cpu_attention.h can be compiled with, why others are left out, and what
// follows from a config. Shared by the spaces of all branches that attend. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nsajit/config.h"
#include "nsajit/launch_plan.h"
#include "nsajit/search_space.h"
#include "nsajit/target.h"
#include "nsajit/workload.h"
#include "templates/common/cpu_scratch.h"

namespace nsajit::templates {

inline constexpr std::int64_t kMaxScratchBytes = 256 * 1024;  // half of the smallest L2 of current servers

int best_width(const Target& target);
// Throws Error{Unsupported} for a dtype that the CPU has no instructions for.
void check_cpu_target(std::string_view op, const Problem& problem, const Target& target);

// What follows from a config: the sizes of the register blocks that no dimension names.
struct CpuBlocks {
  int width = 8, lane_heads = 1, score_groups = 1, value_heads = 1;
  int queries = 1;     // attended to together
  int phases = 8;      // neighbouring elements of dk in a vector
  int heads = 1;       // of all queries, padded to whole vectors
  int registers = 16;  // vector registers of the instruction set
  int key_block = 0;   // 0: does not fit the registers
  int value_vectors = 0;
};
CpuBlocks make_cpu_blocks(const Problem& problem, const Config& config);

struct CpuPacking {
  bool keys = false, values = false;
  int tokens = 0;  // gathered at once
};
CpuPacking make_tile_packing(const Config& config);  // tile by tile, as pack_k and pack_v say

int round_up(int value, int multiple);

CpuScratch make_cpu_scratch(const Problem& problem, const Config& config, const CpuPacking& packing);

// Constants of the templates, without those of a branch.
std::vector<std::pair<std::string, int>> make_cpu_fields(const Problem& problem, const Config& config, const CpuPacking& packing);

// Vectors that the CPU has.
void require_vector_width(VariantSpace& space, const Target& target);

// Dimensions of the blocks, and the constraints of scores and values.
void add_score_blocks(VariantSpace& space);
void require_score_blocks(VariantSpace& space, const Problem& problem, const Target& target);
void require_value_blocks(VariantSpace& space, const Problem& problem);
// pack_k is worth it, and possible.
void require_key_packing(VariantSpace& space, const Problem& problem);

// The first dimensions of `base` filled in: prefers few padding heads, then many heads per loaded key, then many per
// loaded value. Throws Error{Unsupported} where no blocks fit.
Config find_default_blocks(const Problem& problem, const SearchSpace& space, const Target& target, const Config& base);

// Tasks of `rows` rows, cut finer where the grid is short (decode), but to no less than `least`.
LaunchStep make_cpu_step(std::int64_t all_rows, std::int64_t rows, std::int64_t least, const Target& target,
                         std::int64_t scratch_bytes);

}  // namespace nsajit::templates
