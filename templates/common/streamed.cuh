#pragma once
// Streamed: 16 bytes that are written once and are the first to leave the caches.

#include "common/types.cuh"

namespace nsajit {

__device__ __forceinline__ void store_16_streamed(void* to, uint4 value) {
  asm volatile("st.global.cs.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(value.x), "r"(value.y), "r"(value.z), "r"(value.w)
               : "memory");
}

}  // namespace nsajit
