#pragma once
// Asynchronous 16-byte copies from global to shared memory (cp.async, SM 80 and up), in commit groups.

#include "common/types.cuh"

namespace nsajit {

enum class CopyPath { kL2Only, kThroughL1 };   // cp.async.cg: stream; cp.async.ca: neighbours reuse the line

__device__ __forceinline__ uint32 smem_address(const void* pointer) {
  return static_cast<uint32>(__cvta_generic_to_shared(pointer));
}

// Copies `bytes` (16 or 0) and fills the rest of the 16 bytes with zeros; 0 reads nothing.
template <CopyPath kPath>
__device__ __forceinline__ void copy_16_async(uint32 destination, const void* source, int bytes) {
  if constexpr (kPath == CopyPath::kThroughL1) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(destination), "l"(source), "r"(bytes) : "memory");
  } else {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(destination), "l"(source), "r"(bytes) : "memory");
  }
}

__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most `kPending` of this thread's newest groups are still under way.
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace nsajit
