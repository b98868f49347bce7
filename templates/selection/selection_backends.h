#pragma once
// Selection, by backend: the search space, the two configs that always exist, the compilation unit and the launch shape.

#include "templates/common/backend_op.h"

namespace nsajit::templates {

// Variant name of configs, the same on every backend.
inline constexpr const char* kQueryMajor = "query_major";

namespace selection {
extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;
}  // namespace selection

}  // namespace nsajit::templates
