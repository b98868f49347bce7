#pragma once
// RowTiles: walks the selected tokens of one query row in tiles of up to kKeys consecutive tokens. Entries are
// held one per lane, 32 at a time, so a step costs one ballot and three shuffles and touches no memory.
// Whatever the entries say, no token at or after `limit` is ever named. All lanes stay in step.

#include "common/warp.cuh"

namespace nsajit::selection {

struct Tile {
  int token = 0;    // first token
  int count = 0;    // 1..kKeys; 0: no tile is left
  int packed = 0;   // how many selected tokens come before it in the row
};

// kBlock: 0 = entries are half-open ranges (start, end); else they are ids of blocks of kBlock tokens.
template <int kKeys, int kBlock>
class RowTiles {
 public:
  // Tiles first, first + step, ... of the row.
  __device__ __forceinline__ RowTiles(const int* entries, int n, int limit, int first, int step)
      : entries_(entries), n_(n), limit_(limit), index_(first), step_(step), lane_(threadIdx.x % 32) {
    load_chunk();
  }

  __device__ __forceinline__ Tile next() {
    while (index_ >= chunk_tiles_) {
      if (base_ + 32 >= n_) return Tile{};
      index_ -= chunk_tiles_;
      packed_base_ += __shfl_sync(kAllLanes, token_scan_, 31);
      base_ += 32;
      load_chunk();
    }
    const int owner = __ffs(__ballot_sync(kAllLanes, tile_scan_ > index_)) - 1;
    const int start = __shfl_sync(kAllLanes, start_, owner);
    const int length = __shfl_sync(kAllLanes, length_, owner);
    const int tiles_to_end = __shfl_sync(kAllLanes, tile_scan_, owner) - index_;
    const int tokens_to_end = __shfl_sync(kAllLanes, token_scan_, owner);
    const int offset = (ceil_div(length, kKeys) - tiles_to_end) * kKeys;
    index_ += step_;
    return Tile{start + offset, min(kKeys, length - offset), packed_base_ + tokens_to_end - length + offset};
  }

  // Selected tokens of the row. Walks what is left of the entries: call on a fresh object, last.
  __device__ __forceinline__ int count_tokens() {
    int total = __shfl_sync(kAllLanes, token_scan_, 31);
    for (base_ += 32; base_ < n_; base_ += 32) {
      load_chunk();
      total += __shfl_sync(kAllLanes, token_scan_, 31);
    }
    return total;
  }

 private:
  __device__ __forceinline__ void load_chunk() {
    start_ = 0;
    length_ = 0;
    const int entry = base_ + lane_;
    if (entry < n_) {
      if constexpr (kBlock == 0) {
        start_ = max(entries_[2 * entry], 0);
        const int end = min(entries_[2 * entry + 1], limit_);
        length_ = end > start_ ? end - start_ : 0;
      } else {
        const int block = entries_[entry];
        if (block >= 0 && block < ceil_div(limit_, kBlock)) {
          start_ = block * kBlock;
          length_ = min(kBlock, limit_ - start_);
        }
      }
    }
    tile_scan_ = scan_sum(ceil_div(length_, kKeys), lane_);
    token_scan_ = scan_sum(length_, lane_);
    chunk_tiles_ = __shfl_sync(kAllLanes, tile_scan_, 31);
  }

  const int* entries_;
  int n_;
  int limit_;
  int index_;            // next tile, counted from the chunk's first
  int step_;
  int lane_;
  int base_ = 0;         // first entry of the chunk
  int packed_base_ = 0;  // tokens of the chunks before
  int start_ = 0;        // this lane's entry
  int length_ = 0;
  int tile_scan_ = 0;    // tiles up to and including this lane's entry
  int token_scan_ = 0;
  int chunk_tiles_ = 0;
};

}  // namespace nsajit::selection
