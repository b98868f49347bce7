#pragma once
// Rows of an output that lies in the fragments of matrix instructions: o[i][2 * half + {0, 1}] are columns
// 8 i + 2 (lane % 4) + {0, 1} of this lane's row `half`, which it shares with three neighbours.

#include "common/streamed.cuh"
#include "common/types.cuh"
#include "common/warp.cuh"

namespace nsajit {

template <int kTiles>
__device__ __forceinline__ void scale_fragment_row(float (&o)[kTiles][4], int half, float factor) {
#pragma unroll
  for (int i = 0; i < kTiles; ++i) {
    o[i][2 * half] *= factor;
    o[i][2 * half + 1] *= factor;
  }
}

// Of the words (a, b) of this lane and of its neighbour, the even lane gets both a, the odd one both b, in lane order.
__device__ __forceinline__ uint2 exchange_words(uint32 a, uint32 b, bool odd) {
  const uint32 other = __shfl_xor_sync(kAllLanes, odd ? a : b, 1);
  return odd ? make_uint2(other, b) : make_uint2(a, other);
}

// Stores row `half` to `out`, which is 16-byte aligned. The four lanes of a row transpose their words, so that each stores
// 16 (8 for widths that are no multiple of 32) consecutive bytes.
template <class Element, int kTiles>
__device__ __forceinline__ void store_fragment_row(const float (&o)[kTiles][4], int half, Element* out, bool real, int lane) {
  const auto packed = [&](int i) { return pack2<Element>(o[i][2 * half], o[i][2 * half + 1]); };
  if constexpr (kTiles % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kTiles; i += 4) {
      const uint2 low = exchange_words(packed(i), packed(i + 1), lane % 2 != 0);
      const uint2 high = exchange_words(packed(i + 2), packed(i + 3), lane % 2 != 0);
      const bool upper = lane % 4 >= 2;
      const uint2 keep = upper ? high : low;
      const uint2 give = upper ? low : high;
      const uint2 got = make_uint2(__shfl_xor_sync(kAllLanes, give.x, 2), __shfl_xor_sync(kAllLanes, give.y, 2));
      const uint4 value = upper ? make_uint4(got.x, got.y, keep.x, keep.y) : make_uint4(keep.x, keep.y, got.x, got.y);
      if (real) *reinterpret_cast<uint4*>(out + (i + lane % 4) * 8) = value;
    }
  } else {
#pragma unroll
    for (int i = 0; i < kTiles; i += 2) {
      const uint2 value = exchange_words(packed(i), packed(i + 1), lane % 2 != 0);
      if (real) *reinterpret_cast<uint2*>(out + (i + lane % 2) * 8 + lane % 4 / 2 * 4) = value;
    }
  }
}

// Fragments as a lane holds them, for another lane with the same place: no words are exchanged. Eight words of four tiles lie
// where those of eight columns of the row would. Stores row `half`, whose width is a multiple of 32.
template <class Element, int kTiles>
__device__ __forceinline__ void store_fragments(const float (&o)[kTiles][4], int half, Element* out, bool real, int lane) {
  const auto packed = [&](int i) { return pack2<Element>(o[i][2 * half], o[i][2 * half + 1]); };
  Element* const to = out + lane % 4 * 8;
#pragma unroll
  for (int i = 0; i < kTiles; i += 4) {
    if (real) store_16_streamed(to + i * 8, make_uint4(packed(i), packed(i + 1), packed(i + 2), packed(i + 3)));
  }
}

// Adds weight times what store_fragments stored of tiles first .. first + 3.
template <class Element, int kTiles>
__device__ __forceinline__ void add_fragments(float (&o)[kTiles][4], int half, int first, uint4 fragments, float weight) {
  const uint32 words[4] = {fragments.x, fragments.y, fragments.z, fragments.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 value = unpack2<Element>(words[i]);
    o[first + i][2 * half] += weight * value.x;
    o[first + i][2 * half + 1] += weight * value.y;
  }
}

}  // namespace nsajit
