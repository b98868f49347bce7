#pragma once
// Warps: lane numbers, butterfly reductions and named barriers.

#include "common/types.cuh"

namespace nsajit {

inline constexpr uint32 kAllLanes = 0xffffffffu;

// Value and reduction over lanes that differ in the bits kFrom .. kTo of the lane number.
template <int kFrom, int kTo>
__device__ __forceinline__ float reduce_max(float value) {
#pragma unroll
  for (int bit = kFrom; bit <= kTo; bit *= 2) value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, bit));
  return value;
}

template <int kFrom, int kTo>
__device__ __forceinline__ float reduce_sum(float value) {
#pragma unroll
  for (int bit = kFrom; bit <= kTo; bit *= 2) value += __shfl_xor_sync(kAllLanes, value, bit);
  return value;
}

// Inclusive sum over the lanes up to this one.
__device__ __forceinline__ int scan_sum(int value, int lane) {
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int other = __shfl_up_sync(kAllLanes, value, distance);
    if (lane >= distance) value += other;
  }
  return value;
}

// Barrier `id` (1..15; 0 is __syncthreads) among kWarps warps; memory of shared state is ordered.
template <int kWarps>
__device__ __forceinline__ void warps_sync(int id) {
  if constexpr (kWarps == 1) {
    __syncwarp();
  } else {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "n"(kWarps * 32) : "memory");
  }
}

}  // namespace nsajit
