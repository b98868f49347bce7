#pragma once
// kv_combine: merges each row's partial results into O and LSE. A streaming pass: 16 bytes a thread, all slots of a
// row in flight at once. Rows without an entry in the index (too many pairs) are computed here, one warp a head.

#include "selection/kv_major.cuh"

namespace nsajit::selection {

// 8 columns of one head of one row.
template <class Fields>
__device__ __forceinline__ void combine_columns(const KvWorkspace<Fields>& space, const Row<typename Fields::element>& row, int r, int head,
                                                int column) {
  using Element = typename Fields::element;
  const int pairs = space.pairs_of_row[r];
  const int64 first = static_cast<int64>(r) * Fields::slots * Fields::group + head;
  // All slots are read at once; those without a pair read slot 0 again (unwritten where there is none) and weigh 0.
  float lse[Fields::slots];
  uint4 values[Fields::slots];
#pragma unroll
  for (int slot = 0; slot < Fields::slots; ++slot) {
    const int64 at = first + (slot < pairs ? slot : 0) * Fields::group;
    lse[slot] = space.lse[at];
    values[slot] = *reinterpret_cast<const uint4*>(space.partial + at * Fields::dv + column);
  }
  float top = negative_infinity();
#pragma unroll
  for (int slot = 0; slot < Fields::slots; ++slot) {
    if (slot >= pairs) lse[slot] = negative_infinity();
    top = fmaxf(top, lse[slot]);
  }
  float sum = 0.0f;
  float o[8] = {};
#pragma unroll
  for (int slot = 0; slot < Fields::slots; ++slot) {
    if (lse[slot] == negative_infinity()) continue;
    const float weight = exp2_fast(lse[slot] - top);
    const uint32 words[4] = {values[slot].x, values[slot].y, values[slot].z, values[slot].w};
    sum += weight;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 value = unpack2<Element>(words[i]);
      o[2 * i] += weight * value.x;
      o[2 * i + 1] += weight * value.y;
    }
  }
  const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
  uint4 packed;
  packed.x = pack2<Element>(o[0] * inverse, o[1] * inverse);
  packed.y = pack2<Element>(o[2] * inverse, o[3] * inverse);
  packed.z = pack2<Element>(o[4] * inverse, o[5] * inverse);
  packed.w = pack2<Element>(o[6] * inverse, o[7] * inverse);
  *reinterpret_cast<uint4*>(row.o + head * row.o_head + column) = packed;
  if (column == 0 && row.lse != nullptr) {
    row.lse[head * row.lse_head] = sum > 0.0f ? (top + log2f(sum)) * 0.6931471805599453f : negative_infinity();
  }
}

// One head of a row straight from its entries: exact for any ranges, slow.
template <class Fields>
__device__ __noinline__ void attend_alone(const Row<typename Fields::element>& row, int head, float scale, int lane) {
  using Element = typename Fields::element;
  constexpr int kPairs = ceil_div(larger(Fields::dk, Fields::dv) / 2, 32);     // column pairs per lane
  const Element* const query = row.q + head * row.q_head;
  float2 q[kPairs];
  float2 o[kPairs];
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int column = 2 * (lane + 32 * i);
    q[i] = column < Fields::dk ? unpack2<Element>(*reinterpret_cast<const uint32*>(query + column)) : make_float2(0.0f, 0.0f);
    o[i] = make_float2(0.0f, 0.0f);
  }
  float top = negative_infinity();
  float sum = 0.0f;
  for (int entry = 0; entry < row.n; ++entry) {
    int start = 0;
    int end = 0;
    read_entry<Fields::block>(row, entry, start, end);
    for (int token = start; token < end; ++token) {
      const Element* const k = reinterpret_cast<const Element*>(row.k + token * row.k_stride);
      const Element* const v = reinterpret_cast<const Element*>(row.v + token * row.v_stride);
      float score = 0.0f;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int column = 2 * (lane + 32 * i);
        if (column >= Fields::dk) continue;
        const float2 key = unpack2<Element>(*reinterpret_cast<const uint32*>(k + column));
        score += q[i].x * key.x + q[i].y * key.y;
      }
      score = reduce_sum<1, 16>(score) * scale;
      const float new_top = fmaxf(top, score);
      const float shrink = expf(top - new_top);
      const float weight = expf(score - new_top);
      sum = sum * shrink + weight;
      top = new_top;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int column = 2 * (lane + 32 * i);
        if (column >= Fields::dv) continue;
        const float2 value = unpack2<Element>(*reinterpret_cast<const uint32*>(v + column));
        o[i].x = o[i].x * shrink + weight * value.x;
        o[i].y = o[i].y * shrink + weight * value.y;
      }
    }
  }
  const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int column = 2 * (lane + 32 * i);
    if (column < Fields::dv) *reinterpret_cast<uint32*>(row.o + head * row.o_head + column) = pack2<Element>(o[i].x * inverse, o[i].y * inverse);
  }
  if (lane == 0 && row.lse != nullptr) row.lse[head * row.lse_head] = sum > 0.0f ? top + logf(sum) : negative_infinity();
}

// Threads of a block cover consecutive (row, head, 8 columns) of one (b, g).
template <class Fields>
__device__ __forceinline__ void kv_combine(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  const KvWorkspace<Fields> space(args, first_row);
  constexpr int kPerHead = Fields::dv / 8;
  constexpr int kPerRow = kPerHead * Fields::group;
  const int64 item = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int r = static_cast<int>(item / kPerRow);
  const bool alone = r < space.present && space.pairs_of_row[r] == kTooManyPairs;
  if (r < space.present && !alone) {
    const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row + r);
    combine_columns<Fields>(space, row, r, static_cast<int>(item % kPerRow) / kPerHead, static_cast<int>(item % kPerHead) * 8);
  }
  // A marked row and head is taken by the warp that holds its first columns.
  uint32 waiting = __ballot_sync(kAllLanes, alone && item % kPerHead == 0);
  while (waiting != 0) {
    const int owner = __ffs(waiting) - 1;
    waiting &= waiting - 1;
    const int64 owned = __shfl_sync(kAllLanes, item, owner);
    const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row + owned / kPerRow);
    attend_alone<Fields>(row, static_cast<int>(owned % kPerRow) / kPerHead, args.scale, threadIdx.x % 32);
  }
}

}  // namespace nsajit::selection
