#pragma once
// Matrix instructions of one warp, m16n8k16 with fp32 accumulation (PTX ISA, "mma.sync.aligned").
// Fragment layout, with r = lane / 4 and c = 2 * (lane % 4):
//   A 16x16: a[0] (r, c..c+1)  a[1] (r+8, c)  a[2] (r, c+8)  a[3] (r+8, c+8)
//   B 16x8:  b[0] (k = c..c+1, n = r)  b[1] (k = c+8, n = r)
//   C 16x8:  c[0..1] (r, c..c+1)  c[2..3] (r+8, c..c+1)

#include "common/types.cuh"

namespace nsajit {

template <class Element>
__device__ __forceinline__ void mma_m16n8k16(float (&c)[4], const uint32 (&a)[4], uint32 b0, uint32 b1);

template <>
__device__ __forceinline__ void mma_m16n8k16<bf16>(float (&c)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <>
__device__ __forceinline__ void mma_m16n8k16<fp16>(float (&c)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace nsajit
