#pragma once
// H200: the GPU that models and pretuned decisions were measured on, as a target.

#include "nsajit/target.h"

namespace nsajit::testing {

// Its text is the device's of cache/pretuned/nvidia-h200.jsonl.
inline Target h200() {
  Target target = cuda_profile("90a");
  target.name = "NVIDIA H200";
  target.processors = 132;
  target.memory_bytes = std::int64_t{140} << 30;
  target.l2_bytes = std::int64_t{61440} << 10;
  return target;
}

}  // namespace nsajit::testing
