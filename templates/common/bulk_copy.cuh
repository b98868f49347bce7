#pragma once
// Bulk copies of contiguous bytes from global to shared memory by the copy engine (cp.async.bulk, SM 90 and up): one thread
// issues what many would copy by 16 bytes each. Pointers, addresses and sizes are multiples of 16 bytes.

#include "common/barrier.cuh"

namespace nsajit {

// One arrival, and so many bytes that are to come before the phase completes.
__device__ __forceinline__ void barrier_expect(uint32 barrier, int bytes) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.expect_tx.shared.b64 state, [%0], %1; }" ::"r"(barrier), "r"(bytes) : "memory");
}

// Barriers that were initialised are seen by the copy engine.
__device__ __forceinline__ void fence_barriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// What this thread has read and written in shared memory comes before the copies that are issued later.
__device__ __forceinline__ void fence_bulk_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

__device__ __forceinline__ void copy_bulk_async(uint32 destination, const void* source, int bytes, uint32 barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(destination),
               "l"(source), "r"(bytes), "r"(barrier)
               : "memory");
}

}  // namespace nsajit
