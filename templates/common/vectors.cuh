#pragma once
// Vectors: 16 bytes of a tensor at once, and their elements as fp32.

#include "common/types.cuh"

namespace nsajit {

template <class Element>
inline constexpr int kVectorWidth = 16 / static_cast<int>(sizeof(Element));

// For what this kernel reads once and nobody writes: L1 is left to others.
__device__ __forceinline__ uint4 load_16_once(const void* from) {
  uint4 value;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(from));
  return value;
}

// For what neighbouring threads read again.
__device__ __forceinline__ uint4 load_16(const void* from) {
  uint4 value;
  asm("ld.global.nc.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(from));
  return value;
}

template <class Element>
__device__ __forceinline__ void unpack_vector(const uint4& raw, float (&values)[kVectorWidth<Element>]) {
  const uint32 words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(Element) == 4) {
      values[i] = __uint_as_float(words[i]);
    } else {
      const float2 pair = unpack2<Element>(words[i]);
      values[2 * i] = pair.x;
      values[2 * i + 1] = pair.y;
    }
  }
}

template <class Element>
__device__ __forceinline__ uint4 pack_vector(const float (&values)[kVectorWidth<Element>]) {
  uint32 words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(Element) == 4) {
      words[i] = __float_as_uint(values[i]);
    } else {
      words[i] = pack2<Element>(values[2 * i], values[2 * i + 1]);
    }
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

template <class Element>
__device__ __forceinline__ float load_value(const Element* from) {
  if constexpr (sizeof(Element) == 4) {
    return *from;
  } else {
    return unpack2<Element>(from->bits).x;
  }
}

}  // namespace nsajit
