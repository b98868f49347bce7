#pragma once
// Dense attention, by backend: the search space, the two configs that always exist, the compilation unit and the launch
// shape, for the sliding and the compressed branch alike.

#include "templates/common/backend_op.h"

namespace nsajit::templates::dense {

// Variant of the CPU: several neighbouring queries read their keys together.
inline constexpr const char* kQueryTile = "query_tile";

extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;

}  // namespace nsajit::templates::dense
