#pragma once
// Matrix fragments from shared memory: four 8x8 matrices of 16-bit elements per instruction. Lane i gives the
// address of row i % 8 of matrix i / 8; rows are 16 bytes. Row strides that are an odd multiple of 16 bytes
// make every access free of bank conflicts.

#include "common/types.cuh"

namespace nsajit {

__device__ __forceinline__ void ldmatrix_x4(uint32 (&r)[4], uint32 smem_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_address) : "memory");
}

__device__ __forceinline__ void ldmatrix_x4_transposed(uint32 (&r)[4], uint32 smem_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_address) : "memory");
}

// Transposes one 8x8 matrix that lies in fragment layout across the warp.
__device__ __forceinline__ uint32 transpose_8x8(uint32 fragment) {
  uint32 result;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(fragment));
  return result;
}

}  // namespace nsajit
