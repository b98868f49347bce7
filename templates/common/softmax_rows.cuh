#pragma once
// SoftmaxRows: the running softmax of 16 rows in a warp's registers, in the fragment layout of mma.cuh: lane holds
// rows lane / 4 and lane / 4 + 8. What is around it multiplies matrices; this masks, rescales and finishes.

#include "common/fragment_rows.cuh"
#include "common/ldmatrix.cuh"
#include "common/mma.cuh"
#include "common/warp.cuh"

namespace nsajit {

// Keys [first, last) that a lane's two rows may see.
struct KeyBounds {
  int first[2];
  int last[2];
};

template <class Fields>
class SoftmaxRows {
 public:
  using Element = typename Fields::element;
  static constexpr int kKeys = Fields::keys;

  // Forgets all keys.
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      max_[half] = negative_infinity();
      sum_[half] = 0.0f;
#pragma unroll
      for (int tile = 0; tile < Fields::dv / 8; ++tile) o_[tile][2 * half] = o_[tile][2 * half + 1] = 0.0f;
    }
  }

  // Normalised results of this lane's row `half`: columns tile * 8 + 2 * (lane % 4) + {0, 1}; log2 of the softmax sum.
  __device__ __forceinline__ float finish_row(int half, float scale) {
    const float sum = reduce_sum<1, 2>(sum_[half]);
    const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
    scale_fragment_row(o_, half, inverse);
    return sum > 0.0f ? max_[half] * scale + log2f(sum) : negative_infinity();
  }

  // As store_fragment_row.
  __device__ __forceinline__ void store_row(int half, Element* out, bool real, int lane) const {
    store_fragment_row(o_, half, out, real, lane);
  }

  // Partial result of this warp's keys: o[head][kORow] not normalised, row maxima (unscaled) and sums.
  template <int kORow>
  __device__ __forceinline__ void store_partial(float* o, float* maxima, float* sums, int lane) {
    const int row = lane / 4;
    const int column = 2 * (lane % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float sum = reduce_sum<1, 2>(sum_[half]);
      if (lane % 4 == 0) {
        maxima[row + 8 * half] = max_[half];
        sums[row + 8 * half] = sum;
      }
#pragma unroll
      for (int tile = 0; tile < Fields::dv / 8; ++tile) {
        *reinterpret_cast<float2*>(o + (row + 8 * half) * kORow + tile * 8 + column) =
            make_float2(o_[tile][2 * half], o_[tile][2 * half + 1]);
      }
    }
  }

 protected:
  // O += P V for one tile of kKeys keys; s holds the probabilities.
  template <int kVRow>
  __device__ __forceinline__ void accumulate(const float (&s)[kKeys / 8][4], uint32 v_tile, int lane) {
    const uint32 v_lane = v_tile + (lane % 16) * kVRow + 16 * (lane / 16);
#pragma unroll
    for (int step = 0; step < kKeys / 16; ++step) {
      const uint32 p[4] = {pack2<Element>(s[2 * step][0], s[2 * step][1]), pack2<Element>(s[2 * step][2], s[2 * step][3]),
                           pack2<Element>(s[2 * step + 1][0], s[2 * step + 1][1]),
                           pack2<Element>(s[2 * step + 1][2], s[2 * step + 1][3])};
#pragma unroll
      for (int pair = 0; pair < Fields::dv / 16; ++pair) {
        uint32 b[4];
        ldmatrix_x4_transposed(b, v_lane + step * 16 * kVRow + pair * 32);
        mma_m16n8k16<Element>(o_[2 * pair], p, b[0], b[1]);
        mma_m16n8k16<Element>(o_[2 * pair + 1], p, b[2], b[3]);
      }
    }
  }

  __device__ __forceinline__ void mask(float (&s)[kKeys / 8][4], const KeyBounds& bounds, int lane) {
#pragma unroll
    for (int tile = 0; tile < kKeys / 8; ++tile) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int key = tile * 8 + 2 * (lane % 4) + i % 2;
        if (key < bounds.first[i / 2] || key >= bounds.last[i / 2]) s[tile][i] = negative_infinity();
      }
    }
  }

  // Scores become probabilities relative to the running maximum; O and the sums follow a new maximum.
  __device__ __forceinline__ void update_softmax(float (&s)[kKeys / 8][4], float scale) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float tile_max = s[0][2 * half];
#pragma unroll
      for (int tile = 0; tile < kKeys / 8; ++tile) tile_max = fmaxf(tile_max, fmaxf(s[tile][2 * half], s[tile][2 * half + 1]));
      tile_max = reduce_max<1, 2>(tile_max);
      const float new_max = fmaxf(max_[half], tile_max);
      if (__any_sync(kAllLanes, new_max > max_[half])) {
        const float shrink = new_max > max_[half] ? exp2_fast((max_[half] - new_max) * scale) : 1.0f;
        sum_[half] *= shrink;
#pragma unroll
        for (int tile = 0; tile < Fields::dv / 8; ++tile) {
          o_[tile][2 * half] *= shrink;
          o_[tile][2 * half + 1] *= shrink;
        }
        max_[half] = new_max;
      }
      const float offset = new_max > negative_infinity() ? -new_max * scale : 0.0f;   // nothing seen yet: all terms are 0
#pragma unroll
      for (int tile = 0; tile < kKeys / 8; ++tile) {
#pragma unroll
        for (int i = 2 * half; i < 2 * half + 2; ++i) {
          s[tile][i] = exp2_fast(fmaf(s[tile][i], scale, offset));
          sum_[half] += s[tile][i];
        }
      }
    }
  }

  float o_[Fields::dv / 8][4] = {};
  float max_[2] = {negative_infinity(), negative_infinity()};
  float sum_[2] = {0.0f, 0.0f};
};

}  // namespace nsajit
