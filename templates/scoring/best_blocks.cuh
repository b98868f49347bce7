#pragma once
// The best blocks of one query, kept by one warp while their scores pass by: those better than a threshold, in rising
// order. When they might outgrow their room, the best are found by bisecting the bits of the score, and the threshold rises.
// Scores are not negative, so their bits order as they do. Where scores are equal, the lower block stays.

#include "common/warp.cuh"

namespace nsajit::scoring {

// Room for 32 * kSlots blocks, in shared memory. A state: blocks kept, and the bits of the score that the next ones have to
// exceed; -1 to begin with.
template <int kSlots>
struct BestBlocks {
  static constexpr int kRoom = 32 * kSlots;
  static_assert(kRoom < 1024, "a count of blocks takes ten bits");
  int* scores;  // bits of them
  int* blocks;

  static __device__ __forceinline__ int2 none() { return make_int2(0, -1); }

  // Adds the blocks of the lanes in `mask`, which exceed the threshold. All of them fit beside `wanted` ones.
  __device__ __forceinline__ void keep(int2& state, int bits, int block, uint32 mask, int wanted, int lane) const {
    if (state.x + __popc(mask) > kRoom) {
      keep_best(wanted, state, lane);
      mask = __ballot_sync(kAllLanes, bits > state.y);
    }
    if (mask >> lane & 1) {
      const int at = state.x + __popc(mask & ((1u << lane) - 1));
      scores[at] = bits;
      blocks[at] = block;
    }
    state.x += __popc(mask);
  }

  // Of more than `wanted` blocks the best, in their order. The threshold becomes a score that so many reach.
  __device__ __forceinline__ void keep_best(int wanted, int2& state, int lane) const {
    uint32 bits[kSlots];
    int block[kSlots];
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      const int at = slot * 32 + lane;
      const bool there = at < state.x;
      bits[slot] = there ? scores[at] + 1 : 0;
      block[slot] = there ? blocks[at] : 0;
    }
    const uint32 least = store_best(bits, block, state.x, wanted, lane) - 1;
    state = make_int2(wanted, static_cast<int>(least));
  }

  // The same of `count` blocks in registers, slot by slot, 32 lanes each: 1 + the bits of the score, 0 where a lane has no block.
  // Says what the worst of the best has; 0: all are in.
  template <int kCount>
  __device__ __forceinline__ uint32 store_best(const uint32 (&bits)[kCount], const int (&block)[kCount], int count, int wanted,
                                               int lane) const {
    uint32 lowest = 0xffffffffu;
    uint32 highest = 0;
#pragma unroll
    for (int slot = 0; slot < kCount; ++slot) {
      lowest = min(lowest, bits[slot] > 0 ? bits[slot] : lowest);
      highest = max(highest, bits[slot]);
    }
    uint32 least = 0;
    if (count > wanted) least = bisect(bits, wanted, __reduce_min_sync(kAllLanes, lowest), __reduce_max_sync(kAllLanes, highest));
    __syncwarp();  // all lanes have read what is overwritten below
    int above = 0;
#pragma unroll
    for (int slot = 0; slot < kCount; ++slot) above += __popc(__ballot_sync(kAllLanes, bits[slot] > least));
    const uint32 before = (1u << lane) - 1;
    int kept = 0;
    int equal = least > 0 ? wanted - above : 0;  // places for blocks of just this score
#pragma unroll
    for (int slot = 0; slot < kCount; ++slot) {
      const uint32 ties = __ballot_sync(kAllLanes, bits[slot] == least);
      const bool in = bits[slot] > least || (bits[slot] == least && __popc(ties & before) < equal);
      equal -= __popc(ties);
      const uint32 mask = __ballot_sync(kAllLanes, in);
      if (in) {
        scores[kept + __popc(mask & before)] = static_cast<int>(bits[slot]) - 1;
        blocks[kept + __popc(mask & before)] = block[slot];
      }
      kept += __popc(mask);
    }
    __syncwarp();
    return least;
  }

 private:
  // A score that `wanted` blocks reach, or the wanted-th best one where more share it. Two bits at a time, from the first
  // one that the lowest and the highest do not have in common.
  template <int kCount>
  static __device__ __forceinline__ uint32 bisect(const uint32 (&bits)[kCount], int wanted, uint32 lowest, uint32 highest) {
    if (lowest == highest) return highest;
    int shift = 31 - __clz(lowest ^ highest) & ~1;
    uint32 least = highest & ~(0xffffffffu >> (30 - shift));
    for (; shift >= 0; shift -= 2) {
      uint32 counts = 0;  // of blocks that reach each of three thresholds, ten bits each
#pragma unroll
      for (int slot = 0; slot < kCount; ++slot) {
        counts += bits[slot] >= (least | 1u << shift) ? 1u : 0u;
        counts += bits[slot] >= (least | 2u << shift) ? 1u << 10 : 0u;
        counts += bits[slot] >= (least | 3u << shift) ? 1u << 20 : 0u;
      }
      counts = __reduce_add_sync(kAllLanes, counts);
      const int one = counts & 1023;
      const int two = counts >> 10 & 1023;
      const int three = counts >> 20;
      if (one < wanted) continue;
      const int reach = three >= wanted ? three : two >= wanted ? two : one;
      least |= (three >= wanted ? 3u : two >= wanted ? 2u : 1u) << shift;
      if (reach == wanted) break;
    }
    return least;
  }
};

}  // namespace nsajit::scoring
