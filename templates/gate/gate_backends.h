#pragma once
// Gate combine, by backend. The baseline is a single pass too, one vector per
// thread: what a framework's compiler makes of three multiplications and two additions.

#include "templates/common/backend_op.h"

namespace nsajit::templates::gate {

// The variant, on both backends.
inline constexpr const char* kGateRows = "gate_rows";

extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;

}  // namespace nsajit::templates::gate
