#pragma once
// SharedQueryRows: HeadsAsRows with Q kept in shared memory instead of registers: a quarter of the registers for a tenth
// more reads of shared memory, so that a block holds twice the warps.

#include "common/softmax_rows.cuh"

namespace nsajit::selection {

template <class Fields>
class SharedQueryRows : public SoftmaxRows<Fields> {
  using Base = SoftmaxRows<Fields>;
  using Base::accumulate;
  using Base::mask;
  using Base::update_softmax;

 public:
  using Element = typename Fields::element;
  static constexpr int kHeads = 16;
  static constexpr int kKeys = Fields::keys;
  static constexpr int kQRow = Fields::dk * 2 + 16;
  static constexpr int kQueryBytes = kHeads * kQRow;

  // Copies the heads of a row to `shared` (kQueryBytes, this warp's own); heads beyond `heads` become zero.
  __device__ __forceinline__ void load_query(const Element* q, int64 head_stride, int heads, char* shared, int lane) {
    constexpr int kChunks = Fields::dk / 8;
    for (int i = lane; i < kHeads * kChunks; i += 32) {
      const int head = i / kChunks;
      const int chunk = i % kChunks;
      uint4 value = make_uint4(0, 0, 0, 0);
      if (head < heads) value = *reinterpret_cast<const uint4*>(q + head * head_stride + chunk * 8);
      *reinterpret_cast<uint4*>(shared + head * kQRow + chunk * 16) = value;
    }
    __syncwarp();
    q_ = static_cast<uint32>(__cvta_generic_to_shared(shared)) + (lane % 16) * kQRow + 16 * (lane / 16);
  }

  // As HeadsAsRows::attend.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend(uint32 k_tile, uint32 v_tile, int count, float scale, int lane, int first = 0) {
    float s[kKeys / 8][4] = {};
    const uint32 k_lane = k_tile + ((lane % 8) + 8 * (lane / 16)) * kKRow + 16 * ((lane / 8) % 2);
#pragma unroll
    for (int step = 0; step < Fields::dk / 16; ++step) {
      uint32 a[4];
      ldmatrix_x4(a, q_ + step * 32);
#pragma unroll
      for (int pair = 0; pair < kKeys / 16; ++pair) {
        uint32 b[4];
        ldmatrix_x4(b, k_lane + pair * 16 * kKRow + step * 32);
        mma_m16n8k16<Element>(s[2 * pair], a, b[0], b[1]);
        mma_m16n8k16<Element>(s[2 * pair + 1], a, b[2], b[3]);
      }
    }
    if (first > 0 || count < kKeys) mask(s, KeyBounds{{first, first}, {count, count}}, lane);
    update_softmax(s, scale);
    accumulate<kVRow>(s, v_tile, lane);
  }

 private:
  uint32 q_ = 0;
};

}  // namespace nsajit::selection
