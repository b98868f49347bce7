#pragma once
// Scoring shape on CUDA: what a config takes of an SM, the arithmetic of score_wgmma.cuh, score_mma.cuh and block_choice.cuh.
// One place, shared by the search space, the launches and the model. Pure functions.

#include <cstdint>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates::scoring {

inline constexpr const char* kMma = "score_mma";
inline constexpr const char* kWgmma = "score_wgmma";
inline constexpr const char* kFp32 = "score_fp32";

bool is_wgmma(const Config& config);
bool is_fp32(const Problem& problem);
int warpgroups(const Config& config);
// That share queries: those of a warpgroup, or of the block.
int warps(const Config& config);
int tile_keys(const Config& config);
int threads(const Config& config);

// Neighbouring lanes that share the heads of a query; 0: four lanes have too few columns for them.
int query_lanes(const Problem& problem, const Config& config);
// Heads of a query in a lane. Requires: query_lanes, as all below.
int lane_heads(const Problem& problem, const Config& config);
// Of a warpgroup, or of the block.
int queries(const Problem& problem, const Config& config);

// Blocks whose scores are compared: block 0 and the two local ones are in without one.
int best_blocks(const Problem& problem);
// Queries that a warp chooses for at a time.
int queries_together(const Problem& problem, const Config& config);
// Registers that the sorted lists of a lane take, and the bits of a row that it collects.
int list_registers(const Problem& problem, const Config& config);
// Sizes of the row of scores; 0: the filter, for numbers of blocks whose list would take too many registers.
std::vector<int> rooms(const Problem& problem);
// Passes for the softmax sums, where three warpgroups share the registers: the log-sum-exp then stays in shared memory, too.
int sum_parts(const Config& config);

// Of a block of threads.
std::int64_t smem_bytes(const Problem& problem, const Config& config);

}  // namespace nsajit::templates::scoring
