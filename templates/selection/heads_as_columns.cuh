#pragma once
// HeadsAsColumns: one warp attends with its query heads as the N dimension: S^T = K Q^T, O^T = V^T P^T, so a
// group of 1..8 heads costs one n8 tile instead of 16 rows. P^T goes from the first product's C layout to the
// second's B layout by a transposition in registers.

#include "common/ldmatrix.cuh"
#include "common/mma.cuh"
#include "common/warp.cuh"

namespace nsajit::selection {

template <class Fields>
class HeadsAsColumns {
 public:
  using Element = typename Fields::element;
  static constexpr int kHeads = Fields::heads;      // 8 or 16
  static constexpr int kTiles = kHeads / 8;
  static constexpr int kKeys = Fields::keys;

  __device__ __forceinline__ HeadsAsColumns() {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        max_[tile][i] = negative_infinity();
        sum_[tile][i] = 0.0f;
      }
    }
  }

  // q: first head of this warp; heads beyond `heads` count as zero.
  __device__ __forceinline__ void load_query(const Element* q, int64 head_stride, int heads, int lane) {
    const int column = 2 * (lane % 4);
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int head = tile * 8 + lane / 4;
#pragma unroll
      for (int step = 0; step < Fields::dk / 8; ++step) {
        const Element* source = q + head * head_stride + step * 8 + column;
        q_[tile][step] = head < heads ? *reinterpret_cast<const uint32*>(source) : 0u;
      }
    }
  }

  // One tile of kKeys keys in shared memory, of which those in [first, count) are real. scale: of base 2.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend(uint32 k_tile, uint32 v_tile, int count, float scale, int lane, int first = 0) {
    float s[kKeys / 16][kTiles][4] = {};
    const uint32 k_lane = k_tile + (lane % 16) * kKRow + 16 * (lane / 16);
#pragma unroll
    for (int step = 0; step < Fields::dk / 16; ++step) {
#pragma unroll
      for (int m = 0; m < kKeys / 16; ++m) {
        uint32 a[4];
        ldmatrix_x4(a, k_lane + m * 16 * kKRow + step * 32);
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) mma_m16n8k16<Element>(s[m][tile], a, q_[tile][2 * step], q_[tile][2 * step + 1]);
      }
    }
    if (first > 0 || count < kKeys) mask(s, first, count, lane);
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) update_softmax(s, tile, scale);
    const uint32 v_lane = v_tile + ((lane % 8) + 8 * (lane / 16)) * kVRow + 16 * ((lane / 8) % 2);
#pragma unroll
    for (int step = 0; step < kKeys / 16; ++step) {
      uint32 p[kTiles][2];
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        p[tile][0] = transpose_8x8(pack2<Element>(s[step][tile][0], s[step][tile][1]));
        p[tile][1] = transpose_8x8(pack2<Element>(s[step][tile][2], s[step][tile][3]));
      }
#pragma unroll
      for (int m = 0; m < Fields::dv / 16; ++m) {
        uint32 a[4];
        ldmatrix_x4_transposed(a, v_lane + step * 16 * kVRow + m * 32);
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) mma_m16n8k16<Element>(o_[m][tile], a, p[tile][0], p[tile][1]);
      }
    }
  }

  // Partial result of this warp's keys: o[head][kORow] not normalised, row maxima (unscaled) and sums.
  template <int kORow>
  __device__ __forceinline__ void store_partial(float* o, float* maxima, float* sums, int lane) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int head = tile * 8 + 2 * (lane % 4) + i;
        const float sum = reduce_sum<4, 16>(sum_[tile][i]);
        if (lane / 4 == 0) {
          maxima[head] = max_[tile][i];
          sums[head] = sum;
        }
#pragma unroll
        for (int m = 0; m < Fields::dv / 16; ++m) {
          o[head * kORow + m * 16 + lane / 4] = o_[m][tile][i];
          o[head * kORow + m * 16 + lane / 4 + 8] = o_[m][tile][i + 2];
        }
      }
    }
  }

 private:
  __device__ __forceinline__ void mask(float (&s)[kKeys / 16][kTiles][4], int first, int count, int lane) {
#pragma unroll
    for (int m = 0; m < kKeys / 16; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int key = m * 16 + lane / 4 + 8 * (i / 2);
        if (key < first || key >= count) {
#pragma unroll
          for (int tile = 0; tile < kTiles; ++tile) s[m][tile][i] = negative_infinity();
        }
      }
    }
  }

  // Scores become probabilities relative to the running maximum; O and the sums follow a new maximum.
  __device__ __forceinline__ void update_softmax(float (&s)[kKeys / 16][kTiles][4], int tile, float scale) {
    float new_max[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      new_max[i] = s[0][tile][i];
#pragma unroll
      for (int m = 0; m < kKeys / 16; ++m) new_max[i] = fmaxf(new_max[i], fmaxf(s[m][tile][i], s[m][tile][i + 2]));
      new_max[i] = fmaxf(max_[tile][i], reduce_max<4, 16>(new_max[i]));
    }
    if (__any_sync(kAllLanes, new_max[0] > max_[tile][0] || new_max[1] > max_[tile][1])) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const float shrink = exp2_fast((max_[tile][i] - new_max[i]) * scale);
        sum_[tile][i] *= shrink;
#pragma unroll
        for (int m = 0; m < Fields::dv / 16; ++m) {
          o_[m][tile][i] *= shrink;
          o_[m][tile][i + 2] *= shrink;
        }
        max_[tile][i] = new_max[i];
      }
    }
#pragma unroll
    for (int m = 0; m < kKeys / 16; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        s[m][tile][i] = exp2_fast(fmaf(s[m][tile][i], scale, -new_max[i % 2] * scale));
        sum_[tile][i % 2] += s[m][tile][i];
      }
    }
  }

  uint32 q_[kTiles][Fields::dk / 8];
  float o_[Fields::dv / 16][kTiles][4] = {};
  float max_[kTiles][2];
  float sum_[kTiles][2];

};

}  // namespace nsajit::selection
