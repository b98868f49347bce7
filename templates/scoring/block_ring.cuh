#pragma once
// BlockRing: probabilities of the newest tiles of keys, summed over the heads, in shared memory, and from them the scores of
// blocks (Eq. 9).
//
// Fields: l, d, l_sel, group, columns.

#include "scoring/query_columns.cuh"

namespace nsajit::scoring {

// kTile: keys of a tile; kWarps: that share the queries of the CTA.
template <class Fields, int kTile, int kWarps>
class BlockRing {
 public:
  using Columns = QueryColumns<Fields>;
  static constexpr int kBlockKeys = Fields::l_sel / Fields::d;
  static constexpr int kBefore = Fields::l / Fields::d - 1;  // keys that begin before a block and reach into it
  static constexpr int kSpan = kBlockKeys + kBefore;
  static constexpr int kTake = larger(128 / kTile, 1);  // tiles between two readings, so that a warp has 32 blocks to read
  // Whether the next tiles may be written while these are read: not where many queries would take too much memory, nor where one
  // warp does both.
  static constexpr bool kSpare = Columns::kQueries <= 16 && kWarps > 1;
  // Tiles that are read, and the one before, into which their first block reaches; those that are written meanwhile.
  static constexpr int kTiles = (kSpare ? 2 : 1) * kTake + 1;
  static constexpr int kKeys = kTiles * kTile;
  static constexpr bool kAligned = kKeys % kBlockKeys == 0;
  static constexpr int kPitch = kKeys + 8;  // lanes of 4 queries and 8 keys use 32 banks
  static constexpr int kBytes = Columns::kQueries * kPitch * 4;
  static_assert(kSpan <= kTile, "the keys of a block reach one tile back at most");

  float* sums;  // [query][kPitch]; before them, the softmax sums of each warp

  // Whether blocks are read after this tile; the same for all warps.
  static __device__ __forceinline__ bool takes(int tile, bool last) { return (tile + 1) % kTake == 0 || last; }

  // The blocks that the tiles since the last reading complete.
  static __device__ __forceinline__ int begin(int tile) { return max(1, (tile - tile % kTake) * kTile / kBlockKeys); }
  static __device__ __forceinline__ int end(int tile) { return (tile + 1) * kTile / kBlockKeys; }

  static __device__ __forceinline__ int slot(int block) { return static_cast<uint32>(block * kBlockKeys) % kKeys; }

  // `slot`: of the block's first own key. kPartial: keys behind `keys` were never there.
  template <bool kPartial>
  __device__ __forceinline__ float score(int query, int block, int slot, int keys) const {
    const float* const row = sums + query * kPitch;
    float own[kBlockKeys];
    if constexpr (kAligned && kBlockKeys % 4 == 0 && kBlockKeys <= 16) {
#pragma unroll
      for (int o = 0; o < kBlockKeys; o += 4) {
        const float4 four = *reinterpret_cast<const float4*>(row + slot + o);
        own[o] = four.x;
        own[o + 1] = four.y;
        own[o + 2] = four.z;
        own[o + 3] = four.w;
      }
    }
    float total = 0.0f;
#pragma unroll(kSpan <= 20 ? kSpan : 4)
    for (int o = -kBefore; o < kBlockKeys; ++o) {
      const int key = block * kBlockKeys + o;
      if (kBefore > kBlockKeys && key < 0) continue;
      if (kPartial && key >= keys) continue;
      const int begin = o * Fields::d;  // relative to the block
      const int overlap = min(begin + Fields::l, Fields::l_sel) - max(begin, 0);
      const float weight = static_cast<float>(overlap) / static_cast<float>(Fields::l);
      if (kAligned && kBlockKeys % 4 == 0 && kBlockKeys <= 16 && o >= 0) {
        total = fmaf(weight, own[o], total);
        continue;
      }
      int at = slot + o;
      if (o < 0) at += at < 0 ? kKeys : 0;
      if (!kAligned) at -= at >= kKeys ? kKeys : 0;
      total = fmaf(weight, row[at], total);
    }
    return total;
  }
};

}  // namespace nsajit::scoring
