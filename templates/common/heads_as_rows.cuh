#pragma once
// HeadsAsRows: one warp attends with 16 query heads as the M dimension: S = Q K^T, O = P V, running softmax
// in registers. For groups of about 16 heads and more; small groups leave rows of M empty. Q is in registers too, or stays in shared
// memory where O leaves no room for it.

#include "common/ldmatrix.cuh"
#include "common/mma.cuh"
#include "common/softmax_rows.cuh"

namespace nsajit {

template <class Fields, bool kQueryInRegisters = true>
class HeadsAsRows : public SoftmaxRows<Fields> {
  using Base = SoftmaxRows<Fields>;
  using Base::accumulate;
  using Base::mask;
  using Base::update_softmax;

 public:
  using Element = typename Fields::element;
  static constexpr int kHeads = 16;
  static constexpr int kKeys = Fields::keys;

  // q: first head of this warp; heads beyond `heads` count as zero. For Q in registers.
  __device__ __forceinline__ void load_query(const Element* q, int64 head_stride, int heads, int lane) {
    const int column = 2 * (lane % 4);
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
#pragma unroll
      for (int part = 0; part < 4; ++part) {
        const int head = lane / 4 + 8 * (part % 2);
        const Element* source = q + head * head_stride + step * 16 + column + 8 * (part / 2);
        q_[step][part] = head < heads ? *reinterpret_cast<const uint32*>(source) : 0u;
      }
    }
  }

  // q: 16 rows of kRow bytes in shared memory, which they may leave only where Q is in registers.
  template <int kRow>
  __device__ __forceinline__ void load_query_smem(uint32 q, int lane) {
    q_lane_ = q + (lane % 16) * kRow + 16 * (lane / 16);
    if constexpr (!kQueryInRegisters) return;
#pragma unroll
    for (int step = 0; step < kSteps; ++step) ldmatrix_x4(q_[step], q_lane_ + step * 32);
  }

  // One tile of kKeys keys in shared memory, of which those in [first, count) are real. scale: of base 2.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend(uint32 k_tile, uint32 v_tile, int count, float scale, int lane, int first = 0) {
    const KeyBounds bounds{{first, first}, {count, count}};
    attend_bounded<kKRow, kVRow>(k_tile, v_tile, bounds, first > 0 || count < kKeys, scale, lane);
  }

  // The same with bounds for each of this lane's two rows (lane / 4 and lane / 4 + 8); `masked`: some bound cuts.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend_bounded(uint32 k_tile, uint32 v_tile, const KeyBounds& bounds, bool masked, float scale,
                                                 int lane) {
    attend_seen<kKRow, kVRow>(k_tile, v_tile, bounds, masked, scale, lane, [](const float (&)[kKeys / 8][4]) {});
  }

  // The same; visit(scores) sees the raw scores first: [i][2 * half + j] is of key 8 i + 2 (lane % 4) + j and row `half`.
  template <int kKRow, int kVRow, class Visit>
  __device__ __forceinline__ void attend_seen(uint32 k_tile, uint32 v_tile, const KeyBounds& bounds, bool masked, float scale,
                                              int lane, Visit&& visit) {
    float s[kKeys / 8][4] = {};
    const uint32 k_lane = k_tile + ((lane % 8) + 8 * (lane / 16)) * kKRow + 16 * ((lane / 8) % 2);
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      uint32 (&q)[4] = q_[kQueryInRegisters ? step : 0];
      if constexpr (!kQueryInRegisters) ldmatrix_x4(q, q_lane_ + step * 32);
#pragma unroll
      for (int pair = 0; pair < kKeys / 16; ++pair) {
        uint32 b[4];
        ldmatrix_x4(b, k_lane + pair * 16 * kKRow + step * 32);
        mma_m16n8k16<Element>(s[2 * pair], q, b[0], b[1]);
        mma_m16n8k16<Element>(s[2 * pair + 1], q, b[2], b[3]);
      }
    }
    visit(s);
    if (masked) mask(s, bounds, lane);
    update_softmax(s, scale);
    accumulate<kVRow>(s, v_tile, lane);
  }

 private:
  static constexpr int kSteps = Fields::dk / 16;
  uint32 q_[kQueryInRegisters ? kSteps : 1][4];
  uint32 q_lane_ = 0;
};

}  // namespace nsajit
