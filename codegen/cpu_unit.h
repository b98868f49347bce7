#pragma once
// CPU unit: the constants that the LLVM compiler puts into a bitcode template, and their text for dumps
// and keys. Twin: cuda_unit.h.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::codegen {

using Fields = std::vector<std::pair<std::string, int>>;

// The unit's fields and `element`: 0 bf16, 1 fp16, 2 fp32. Throws Error{InvalidArgument} for another type.
Fields cpu_fields(const Unit& unit);

std::string write_cpu_unit(const Unit& unit, std::string_view purpose);

}  // namespace nsajit::codegen
