#pragma once
// SelectionMap: what the rows of a CTA selected, in shared memory. Bitmaps first, a tile a bit of its warpgroups' own maps, a
// unit of 16 tokens (which selection blocks are multiples of) a bit of its query's; then the lists that the loops walk.
//
// Fields: tile, stages, warpgroups, queries.

#include "common/async_copy.cuh"
#include "common/warp.cuh"

namespace nsajit::selection {

inline constexpr int kUnit = 16;  // tokens per bit of a query's bitmap

template <class Fields>
struct SelectionMap {
  static constexpr int kGroups = Fields::warpgroups;
  static constexpr int kUnitsPerTile = Fields::tile / kUnit;
  static constexpr int kHeader = 8;
  static constexpr int kAhead = 1;  // tiles whose copies may be under way when the next one's start
  int tile_words;
  int unit_words;
  int* cut;           // [0] 1: some range starts or ends inside a unit
  int* counts;        // [1 + kGroups]: tiles of the union, of each warpgroup
  uint32* own;        // [kGroups][tile_words]
  uint32* units;      // [queries][unit_words]
  uint32* tiles;      // [32 * tile_words] of the union: tile | warpgroups that want it << 24
  uint32* own_tiles;  // [kGroups][32 * tile_words]: tile | stage << 24 | too far behind the one before << 31

  __device__ __forceinline__ SelectionMap(uint32* base, int64 S_kv)
      : tile_words(static_cast<int>((S_kv + 32 * Fields::tile - 1) / (32 * Fields::tile))),
        unit_words(tile_words * kUnitsPerTile),
        cut(reinterpret_cast<int*>(base)),
        counts(cut + 1),
        own(base + kHeader),
        units(own + kGroups * tile_words),
        tiles(units + Fields::queries * unit_words),
        own_tiles(tiles + 32 * tile_words) {}

  // To be zeroed first.
  __device__ __forceinline__ int words() const { return kHeader + tile_words * kGroups + Fields::queries * unit_words; }

  static __device__ __forceinline__ void set_bits(uint32* words, int first, int last) {
    for (int word = first / 32; word <= (last - 1) / 32; ++word) {
      const int from = max(first - word * 32, 0);
      const int to = min(last - word * 32, 32);
      atomicOr(&words[word], (0xffffffffu >> (32 - (to - from))) << from);
    }
  }

  // Marks tokens [start, end) of query `query` of the CTA, whose rows belong to warpgroups first .. last.
  __device__ __forceinline__ void mark(int query, int first_group, int last_group, int start, int end, int limit) const {
    if (end <= start) return;
    set_bits(units + query * unit_words, start / kUnit, ceil_div(end, kUnit));
    for (int group = first_group; group <= last_group; ++group)
      set_bits(own + group * tile_words, start / Fields::tile, ceil_div(end, Fields::tile));
    if (start % kUnit != 0 || (end % kUnit != 0 && end != limit)) *cut = 1;
  }

  // The tiles of this word that exactly the warpgroups of `wanted` want.
  __device__ __forceinline__ uint32 wanted_by(int word, uint32 wanted) const {
    if (word >= tile_words) return 0;
    uint32 bits = 0xffffffffu;
#pragma unroll
    for (int group = 0; group < kGroups; ++group)
      bits &= wanted >> group & 1 ? own[group * tile_words + word] : ~own[group * tile_words + word];
    return bits;
  }

  static __device__ __forceinline__ constexpr int bit_count(uint32 set) {
    return (set & 1) + (set >> 1 & 1) + (set >> 2 & 1) + (set >> 3 & 1);
  }

  // One warp orders the union: tiles of all warpgroups, of some, of one; those of different warpgroups in turn. So each
  // warpgroup finds work at the same pace and none waits for the ring.
  __device__ __forceinline__ void order(int lane) const {
    constexpr uint32 kSets = 1u << kGroups;
    int count[kSets] = {};
    for (int base = 0; base < tile_words; base += 32) {
#pragma unroll
      for (uint32 set = 1; set < kSets; ++set) count[set] += __popc(wanted_by(base + lane, set));
    }
#pragma unroll
    for (uint32 set = 1; set < kSets; ++set) count[set] = __shfl_sync(kAllLanes, scan_sum(count[set], lane), 31);
    int before[kSets] = {};
    for (int word = 0; word < tile_words; ++word) {
      uint32 mine = 0;  // who wants tile word * 32 + lane
#pragma unroll
      for (int group = 0; group < kGroups; ++group) mine |= (own[group * tile_words + word] >> lane & 1) << group;
#pragma unroll
      for (uint32 set = 1; set < kSets; ++set) {
        const uint32 bits = __ballot_sync(kAllLanes, mine == set);
        if (mine == set) {
          const int rank = before[set] + __popc(bits & ((1u << lane) - 1));
          int place = rank;
#pragma unroll
          for (uint32 other = 1; other < kSets; ++other) {
            if (bit_count(other) > bit_count(set)) place += count[other];
            if (bit_count(other) == bit_count(set) && other != set) place += min(count[other], rank + (other < set ? 1 : 0));
          }
          tiles[place] = (word * 32 + lane) | set << 24;
        }
        before[set] += __popc(bits);
      }
    }
    int total = 0;
#pragma unroll
    for (uint32 set = 1; set < kSets; ++set) total += count[set];
    if (lane == 0) counts[0] = total;
  }

  // One warp lists the tiles of one warpgroup.
  __device__ __forceinline__ void list(int warpgroup, int lane) const {
    uint32* const out = own_tiles + warpgroup * 32 * tile_words;
    const int total = counts[0];
    int count = 0;
    int last = 0;  // place of the tile before
    for (int base = 0; base < total; base += 32) {
      const int place = base + lane;
      const uint32 entry = place < total ? tiles[place] : 0;
      const uint32 wanted = __ballot_sync(kAllLanes, entry >> (24 + warpgroup) & 1);
      const uint32 below = wanted & ((1u << lane) - 1);
      const int previous = below != 0 ? base + 31 - __clz(below) : last;
      if (wanted >> lane & 1) {
        const uint32 far = place - previous >= Fields::stages - kAhead ? 1u << 31 : 0;
        out[count + __popc(below)] = (entry & 0xffffff) | (place % static_cast<uint32>(Fields::stages)) << 24 | far;
      }
      count += __popc(wanted);
      if (wanted != 0) last = base + 31 - __clz(wanted);
    }
    if (lane == 0) counts[1 + warpgroup] = count;
  }
};

}  // namespace nsajit::selection
