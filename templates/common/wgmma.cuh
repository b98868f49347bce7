#pragma once
// Warpgroup matrix instructions (SM 90a): D[64, 64] += A[64, 16] B[16, 64], fp32 accumulation, asynchronous. B and,
// where not in registers, A lie in shared memory in panels of 64 elements (128 bytes a row) with the 128-byte
// swizzle; a panel of R rows is R * 128 bytes, aligned to 1024. Layouts: PTX ISA, "Asynchronous warpgroup-level
// matrix shared memory layout". Fragments of a warp's 16 rows are those of mma.cuh.

#include "common/types.cuh"

namespace nsajit {

inline constexpr int kPanelWidth = 64;         // elements
inline constexpr int kPanelRowBytes = 128;

// Byte offset of 16-byte chunk `chunk` (of 8) in row `row` of a panel.
__device__ __forceinline__ uint32 panel_offset(int row, int chunk) { return row * kPanelRowBytes + ((chunk ^ (row % 8)) << 4); }

// Rows are the M or N dimension, the 64 elements K. A step of 16 elements of K is +32 bytes.
__device__ __forceinline__ unsigned long long panel_descriptor(uint32 address) {
  constexpr unsigned long long kSwizzle128 = 1ull << 62;
  constexpr unsigned long long kEightRows = static_cast<unsigned long long>(8 * kPanelRowBytes >> 4) << 32;
  return kSwizzle128 | kEightRows | (1ull << 16) | ((address & 0x3ffff) >> 4);
}

// The descriptor `bytes` further on. Steps within shared memory do not carry out of the address field.
__device__ __forceinline__ unsigned long long panel_step(unsigned long long descriptor, int bytes) { return descriptor + (bytes >> 4); }

// Lane 0's descriptor, which the compiler then keeps in uniform registers, where the instructions want it.
__device__ __forceinline__ unsigned long long uniform_descriptor(uint32 address) {
  const uint32 low = __shfl_sync(0xffffffffu, static_cast<uint32>(panel_descriptor(address)), 0);
  return (panel_descriptor(0) & 0xffffffff00000000ull) | low;
}

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// Waits until at most kPending of this warpgroup's newest groups are still under way.
template <int kPending = 0>
__device__ __forceinline__ void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory"); }
// Registers of this warp's threads from here on; a multiple of 8. What others gave up must cover what is asked for.
template <int kRegisters>
__device__ __forceinline__ void keep_registers() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters)); }
template <int kRegisters>
__device__ __forceinline__ void take_registers() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters)); }
// Makes this thread's writes to shared memory visible to the tensor cores; before the barrier that releases them.
__device__ __forceinline__ void publish_to_tensor_cores() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

#define NSAJIT_WGMMA_ACCUMULATORS                                                                                        \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30," \
  "%31}"
#define NSAJIT_WGMMA_OUTPUTS(d)                                                                                         \
  "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),              \
      "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),          \
      "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),          \
      "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]),          \
      "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3])

// d: eight 8-column tiles. A and B from shared memory, both with rows as M and N.
#define NSAJIT_DEFINE_WGMMA_SHARED(Element, kind)                                                                        \
  __device__ __forceinline__ void wgmma_shared(Element, float (*d)[4], unsigned long long a, unsigned long long b,      \
                                               int accumulate) {                                                        \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32." kind "." kind " "  \
                 NSAJIT_WGMMA_ACCUMULATORS ", %32, %33, p, 1, 1, 0, 0; }"                                               \
                 : NSAJIT_WGMMA_OUTPUTS(d) : "l"(a), "l"(b), "r"(accumulate));                                          \
  }
// A from registers; B as in wgmma_shared.
#define NSAJIT_DEFINE_WGMMA_REGISTERS_ROWS(Element, kind)                                                                \
  __device__ __forceinline__ void wgmma_registers_rows(Element, float (*d)[4], const uint32 (&a)[4], unsigned long long b, \
                                                       int accumulate) {                                                \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %37, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32." kind "." kind " "  \
                 NSAJIT_WGMMA_ACCUMULATORS ", {%32,%33,%34,%35}, %36, p, 1, 1, 0; }"                                    \
                 : NSAJIT_WGMMA_OUTPUTS(d) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));      \
  }
// A from registers; B's rows are K, its 64 elements N. A step of 16 rows of K is +2048 bytes.
#define NSAJIT_DEFINE_WGMMA_REGISTERS(Element, kind)                                                                     \
  __device__ __forceinline__ void wgmma_registers(Element, float (*d)[4], const uint32 (&a)[4], unsigned long long b) { \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32." kind "." kind " "    \
                 NSAJIT_WGMMA_ACCUMULATORS ", {%32,%33,%34,%35}, %36, p, 1, 1, 1; }"                                    \
                 : NSAJIT_WGMMA_OUTPUTS(d) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                       \
  }
NSAJIT_DEFINE_WGMMA_SHARED(bf16, "bf16")
NSAJIT_DEFINE_WGMMA_SHARED(fp16, "f16")
NSAJIT_DEFINE_WGMMA_REGISTERS_ROWS(bf16, "bf16")
NSAJIT_DEFINE_WGMMA_REGISTERS_ROWS(fp16, "f16")
NSAJIT_DEFINE_WGMMA_REGISTERS(bf16, "bf16")
NSAJIT_DEFINE_WGMMA_REGISTERS(fp16, "f16")
#undef NSAJIT_DEFINE_WGMMA_SHARED
#undef NSAJIT_DEFINE_WGMMA_REGISTERS_ROWS
#undef NSAJIT_DEFINE_WGMMA_REGISTERS
#undef NSAJIT_WGMMA_ACCUMULATORS
#undef NSAJIT_WGMMA_OUTPUTS

}  // namespace nsajit
