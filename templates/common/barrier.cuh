#pragma once
// Memory barriers in shared memory (mbarrier, SM 80 and up): a ring's full and empty signals between the warps
// that copy and the warps that compute.

#include "common/types.cuh"

namespace nsajit {

__device__ __forceinline__ void barrier_init(uint32 barrier, uint32 arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void barrier_arrive(uint32 barrier) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(barrier) : "memory");
}

// Arrives once all copy_16_async of this thread so far have landed; counts among the initial arrivals.
__device__ __forceinline__ void barrier_arrive_after_copies(uint32 barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(barrier) : "memory");
}

__device__ __forceinline__ bool barrier_done(uint32 barrier, uint32 parity) {
  uint32 done;
#if __CUDA_ARCH__ >= 900
  // Suspends the warp for a while instead of taking issue slots from those that compute.
  asm volatile(
      "{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
      : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
#else
  asm volatile(
      "{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
      : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
#endif
  return done != 0;
}

__device__ __forceinline__ void barrier_wait(uint32 barrier, uint32 parity) {
  while (__builtin_expect(!barrier_done(barrier, parity), false)) {
  }
}

// A place in a ring of kStages stages, the same for all that walk it. `parity` is that of the stage's barriers in this pass.
template <int kStages>
struct RingPlace {
  int stage = 0;
  uint32 parity = 0;
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace nsajit
