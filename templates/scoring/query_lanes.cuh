#pragma once
// QueryLanes: the lanes of a warp that work on the same query, where a warp has kTogether (1, 2 or 4) of them: every
// kTogether-th.

#include "common/warp.cuh"

namespace nsajit::scoring {

template <int kTogether>
struct QueryLanes {
  static constexpr int kCount = 32 / kTogether;
  static constexpr uint32 kFirst = kTogether == 1 ? 0xffffffffu : kTogether == 2 ? 0x55555555u : 0x11111111u;

  static __device__ __forceinline__ int nth(int lane) { return lane / kTogether; }
  static __device__ __forceinline__ uint32 mine(int lane) { return kFirst << lane % kTogether; }
  static __device__ __forceinline__ uint32 before(int lane) { return (1u << lane) - 1; }
  static __device__ __forceinline__ uint32 ballot(bool value, int lane) { return __ballot_sync(kAllLanes, value) & mine(lane); }

  // The value that the query's last lane has.
  static __device__ __forceinline__ int last(int value, int lane) {
    return __shfl_sync(kAllLanes, value, 32 - kTogether + lane % kTogether);
  }

  // The sum of the query's lanes before this one.
  static __device__ __forceinline__ int sum_before(int value, int lane) {
    int sum = value;
#pragma unroll
    for (int step = kTogether; step < 32; step *= 2) {
      const int more = __shfl_up_sync(kAllLanes, sum, step);
      sum += lane >= step ? more : 0;
    }
    return sum - value;
  }

  // Each lane has some bits of kWords words; the n-th lane gets the n-th word, 0 behind the last.
  template <int kWords>
  static __device__ __forceinline__ uint32 transpose(const uint32 (&words)[kWords], int lane) {
    static_assert(kWords <= kCount);
    uint32 part[kCount];
#pragma unroll
    for (int i = 0; i < kCount; ++i) part[i] = i < kWords ? words[i] : 0;
#pragma unroll
    for (int half = kCount / 2; half > 0; half /= 2) {
      const bool upper = (nth(lane) & half) != 0;
#pragma unroll
      for (int i = 0; i < half; ++i) {
        if (i >= kWords) continue;  // zero in all lanes
        const uint32 given = upper ? part[i] : part[i + half];
        part[i] = (upper ? part[i + half] : part[i]) | __shfl_xor_sync(kAllLanes, given, half * kTogether);
      }
    }
    return part[0];
  }
};

}  // namespace nsajit::scoring
