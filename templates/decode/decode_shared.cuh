#pragma once
// The shared memory of a CTA of decode_step.cuh, and what CTAs of a cluster tell each other through it: logits that reach
// into a neighbour's blocks, softmax sums, candidates for blocks, partial outputs. The host computes the same size.
//
// Fields: dk, dv, group, l, d, l_sel, n_sel, warps, stages, keys, cluster.

#include "common/cluster.cuh"
#include "decode/cache_tiles.cuh"
#include "scoring/best_blocks.cuh"

namespace nsajit::decode {

enum Branch { kCompressed, kSelection, kSliding, kBranches };

__host__ __device__ constexpr int round_up(int value, int multiple) { return ceil_div(value, multiple) * multiple; }
// At least `value`.
__host__ __device__ constexpr int power_of_two(int value) {
  int power = 1;
  while (power < value) power *= 2;
  return power;
}

template <class Fields>
struct DecodeShared {
  static constexpr int kHeads = 16;  // of a fragment; group of them are real
  static constexpr int kWarps = Fields::warps;
  static constexpr int kCtas = Fields::cluster;
  static constexpr int kThreads = 32 * kWarps;
  using Copy = TileCopy<Fields::keys, Fields::dk, Fields::dv>;
  using Best = scoring::BestBlocks<ceil_div(Fields::n_sel, 32) + 1>;
  // Few are chosen: what a source offers is in the order of the scores, and all threads choose.
  static constexpr bool kFew = Fields::n_sel <= 32;
  static constexpr int kList = kFew ? power_of_two(Fields::n_sel) : Fields::n_sel;                // places of a source
  static constexpr int kOffering = kFew ? larger(1, smaller(kWarps, 256 / (kCtas * kList))) : 1;  // warps of a CTA
  static constexpr int kSources = kCtas * kOffering;
  static constexpr int kPlaces = round_up(kSources * kList, 32);  // of candidates: [source][kList]

  static constexpr int kORow = Fields::dv + 8;                           // floats
  static constexpr int kSlot = larger(Copy::kBytes, kHeads* kORow * 4);  // a tile, or a warp's partial output
  static constexpr int kItems = Fields::group * Fields::dv / 8;          // pieces of 8 outputs
  static constexpr int kShare = ceil_div(kItems, kCtas);                 // that a CTA finishes
  static constexpr int kQueryRow = Fields::dk * 2 + 16;                  // bytes
  static constexpr int kRing = 0;
  static constexpr int kParts = kRing + kWarps * Fields::stages * kSlot;  // [phase][source][kShare * 8] outputs
  static constexpr int kQuery = kParts;                                   // before there are outputs
  static constexpr int kSums =                                            // [phase][source][head] maximum and sum
      kParts + larger(kBranches * kCtas * kShare * 32, kHeads* kQueryRow);
  static constexpr int kWarpSums = kSums + kBranches * kCtas * kHeads * 8;  // [phase][warp]: maxima, then sums
  static constexpr int kLse = kWarpSums + kBranches * kWarps * kHeads * 8;  // [head], of base 2
  static constexpr int kGates = kLse + kHeads * 4;                          // [branch][head]
  static constexpr int kBest = kGates + kBranches * kHeads * 4;             // [warp that offers] scores, blocks
  static constexpr int kCandidates = kBest + kOffering * 8 * Best::kRoom;   // bits of scores, -1: none; then blocks
  static constexpr int kChosen = kCandidates + 8 * kPlaces;
  static constexpr int kSlots = kChosen + round_up(Fields::n_sel * 4, 16);               // [warp] stage of what is put aside
  static constexpr int kNothing = kSlots + round_up(kWarps * 4, 16);                     // 32 bytes of zeros
  static constexpr int kBarriers = kNothing + 32;                                        // [warp][stage]
  static constexpr int kLogits = kBarriers + round_up(kWarps * Fields::stages * 8, 16);  // where they fit

  // Keys of a CTA: whole tiles and whole blocks. Before them lie those of the CTA before that reach into its blocks.
  static constexpr int kBlockKeys = Fields::l_sel / Fields::d;
  static constexpr int kBefore = Fields::l / Fields::d - 1;
  static constexpr int kHalo = round_up(kBefore, 8);
  static constexpr int kUnit = common_multiple(Fields::keys, kBlockKeys);
  static __device__ __forceinline__ int chunk(int keys) { return round_up(ceil_div(keys, kCtas), kUnit); }
  static __device__ __forceinline__ int pitch(int64 tokens) {
    return round_up(kHalo + chunk(ceil_div(static_cast<int>(tokens), Fields::d)), 32) + 8;
  }

  // Its address, from a register: asked for anew at each use, it takes as long as a load.
  uint32 base;
  static __device__ __forceinline__ DecodeShared make() {
    extern __shared__ __align__(128) char nsajit_smem[];
    return {__shfl_sync(kAllLanes, smem_address(nsajit_smem), 0)};
  }
  template <class Value>
  __device__ __forceinline__ Value* at(int offset) const {
    return static_cast<Value*>(__cvta_shared_to_generic(base + offset));
  }
  __device__ __forceinline__ float* parts(int phase, int source) const {
    return at<float>(kParts + (phase * kCtas + source) * kShare * 32);
  }
  static constexpr int kLaterParts = 2 * kCtas * kShare * 8;  // floats of the last two phases
  __device__ __forceinline__ float2* sums(int phase, int source) const {
    return at<float2>(kSums + (phase * kCtas + source) * kHeads * 8);
  }
  __device__ __forceinline__ float* warp_maxima(int phase, int warp) const {
    return at<float>(kWarpSums + (phase * kWarps + warp) * 2 * kHeads * 4);
  }
  __device__ __forceinline__ float* warp_sums(int phase, int warp) const { return warp_maxima(phase, warp) + kHeads; }
  // A stage of a warp's ring.
  static __device__ __forceinline__ int slot_offset(int warp, int stage) { return (warp * Fields::stages + stage) * kSlot; }
  __device__ __forceinline__ uint32 slot(int warp, int stage) const { return base + kRing + slot_offset(warp, stage); }
  __device__ __forceinline__ uint32 barrier(int warp, int stage) const {
    return base + kBarriers + (warp * Fields::stages + stage) * 8;
  }

  // Stores to the place in CTA `rank` that `own` is here.
  static __device__ __forceinline__ void push(float* own, int rank, float value) {
    if constexpr (kCtas == 1) {
      *own = value;
    } else {
      store_peer(peer_address(smem_address(own), rank), value);
    }
  }
  static __device__ __forceinline__ void push_2(float* own, int rank, float x, float y) {
    if constexpr (kCtas == 1) {
      *reinterpret_cast<float2*>(own) = make_float2(x, y);
    } else {
      store_peer_2(peer_address(smem_address(own), rank), x, y);
    }
  }
  static __device__ __forceinline__ void push_4(float* own, int rank, float4 value) {
    if constexpr (kCtas == 1) {
      *reinterpret_cast<float4*>(own) = value;
    } else {
      store_peer_4(peer_address(smem_address(own), rank), value);
    }
  }

  // What was pushed before all have arrived is there after the wait.
  static __device__ __forceinline__ void arrive() {
    if constexpr (kCtas > 1) cluster_arrive();
  }
  // Of the first arrival, beside barriers of the CTA.
  static __device__ __forceinline__ void wait_begun() {
    if constexpr (kCtas > 1) cluster_wait();
  }
  static __device__ __forceinline__ void wait() {
    if constexpr (kCtas > 1) {
      cluster_wait();
    } else {
      __syncthreads();
    }
  }
};

}  // namespace nsajit::decode
