#pragma once
// ptxas log: reads what --ptxas-options=-v prints on success: registers, shared memory, stack and spills of each
// kernel. So the cost of a candidate is known before, and without, a device. Pure functions.

#include <string_view>
#include <vector>

#include "codegen/compiler.h"

namespace nsajit::codegen {

// One row per "Compiling entry function" of `log`, in its order; code_bytes stays 0. Unknown lines are skipped.
std::vector<EntryResources> parse_ptxas_log(std::string_view log);

}  // namespace nsajit::codegen
