#pragma once
// The nested include of the probe template.

namespace nsajit {

struct bf16 { unsigned short bits; };
struct fp16 { unsigned short bits; };
using fp32 = float;

__device__ __forceinline__ float factor() { return 2.0f; }

}  // namespace nsajit
