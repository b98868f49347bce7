#pragma once
// WarpBest: the best up to 32 of a warp's blocks, which come 32 at a time in rising order: each lane compares its block with
// all others, so that there is no search for a threshold. For few blocks of a kind that is wanted at once; BestBlocks is for
// many. Scores are not negative, so their bits order as they do. Where scores are equal, the lower block stays.

#include "common/warp.cuh"

namespace nsajit::decode {

class WarpBest {
 public:
  static constexpr int kMost = 32;
  static constexpr int kBytes = 4 * 3 * 32;  // of a warp's shared memory

  // scratch: 16-byte aligned. wanted: up to kMost.
  __device__ __forceinline__ WarpBest(int* scratch, int wanted, int lane) : scratch_(scratch), wanted_(wanted), lane_(lane) {}

  // Bits of the score, -1: no block. All blocks come after those that came before.
  __device__ __forceinline__ void add(int bits, int block) {
    if (!__any_sync(kAllLanes, bits > least_)) return;
    scratch_[lane_] = bits_;
    scratch_[32 + lane_] = bits;
    __syncwarp();
    int above = 0;      // better than the block that this lane keeps
    int above_new = 0;  // better than the new one
#pragma unroll 4
    for (int i = 0; i < 64; i += 4) {
      const int4 four = *reinterpret_cast<const int4*>(scratch_ + i);
      compare(four.x, i, bits, above, above_new);
      compare(four.y, i + 1, bits, above, above_new);
      compare(four.z, i + 2, bits, above, above_new);
      compare(four.w, i + 3, bits, above, above_new);
    }
    __syncwarp();  // all have read
    const uint32 stay = __ballot_sync(kAllLanes, bits_ >= 0 && above < wanted_);
    const uint32 come = __ballot_sync(kAllLanes, bits >= 0 && above_new < wanted_);
    const uint32 before = (1u << lane_) - 1;
    if (stay >> lane_ & 1) put(__popc(stay & before), bits_, block_);
    if (come >> lane_ & 1) put(__popc(stay) + __popc(come & before), bits, block);
    __syncwarp();
    count_ = __popc(stay) + __popc(come);
    bits_ = lane_ < count_ ? scratch_[lane_] : -1;
    block_ = lane_ < count_ ? scratch_[64 + lane_] : 0;
    least_ = count_ < wanted_ ? -1 : __reduce_min_sync(kAllLanes, lane_ < count_ ? bits_ : 0x7fffffff);
    __syncwarp();
  }

  // The lane's block of `count` ones in rising order.
  __device__ __forceinline__ int count() const { return count_; }
  __device__ __forceinline__ int bits() const { return bits_; }
  __device__ __forceinline__ int block() const { return block_; }

 private:
  // Of equal scores the one that lies before.
  __device__ __forceinline__ void compare(int other, int place, int bits, int& above, int& above_new) const {
    above += other > bits_ || (other == bits_ && place < lane_) ? 1 : 0;
    above_new += other > bits || (other == bits && place < 32 + lane_) ? 1 : 0;
  }

  __device__ __forceinline__ void put(int place, int bits, int block) const {
    scratch_[place] = bits;
    scratch_[64 + place] = block;
  }

  int* scratch_;
  int wanted_;
  int lane_;
  int count_ = 0;
  int bits_ = -1;
  int block_ = 0;
  int least_ = -1;  // what a block has to exceed
};

}  // namespace nsajit::decode
