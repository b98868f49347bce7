#pragma once
// CUDA unit: the text of the short .cu source that instantiates a template. Twin: cpu_unit.h.

#include <string>
#include <string_view>

#include "nsajit/op.h"

namespace nsajit::codegen {

// `purpose`: one line for the reader of a dump. Requires one body per entry and threads > 0.
std::string write_cuda_unit(const Unit& unit, std::string_view purpose);

}  // namespace nsajit::codegen
