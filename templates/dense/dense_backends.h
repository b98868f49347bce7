#pragma once
// Dense attention, by backend: the search space, the two configs that always exist, the compilation unit and the launch
// shape, for the sliding and the compressed branch alike.

#include "templates/common/backend_op.h"

namespace nsajit::templates::dense {

// Variant of the CPU: several neighbouring queries read their keys together.
inline constexpr const char* kQueryTile = "query_tile";

// Variants of CUDA.
inline constexpr const char* kMma = "dense_mma";
inline constexpr const char* kWgmma = "dense_wgmma";

// Rows of Q, heads of a group one after the other, that a block of threads takes on CUDA.
int cuda_block_rows(const Problem& problem, const Config& config);

extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;

}  // namespace nsajit::templates::dense
