#pragma once
// Shape text: the short form in which tables and benchmarks name a case: "S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1".

#include <string_view>

#include "nsajit/workload.h"

namespace nsajit::cli {

// Any order. Beside the parts above every field of a tuple may be given by name (l=16, d=16, dtype=fp16, overlap=50); the
// group is Hq / Hkv. What is left out has its usual value: bf16, 64x16, B=1, S_kv=S. Valid on return.
// Throws Error{InvalidArgument} naming the shape and the part that is wrong.
Workload parse_shape(std::string_view text);

}  // namespace nsajit::cli
