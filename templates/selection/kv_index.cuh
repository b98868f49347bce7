#pragma once
// The inverse index: for every tile of keys, the rows that selected it. Three kernels: count (a histogram per CTA),
// scan (one CTA per KV group), fill. No global atomics; which rows a tile lists is deterministic, their order inside
// a CTA's share is not and changes no result.
//
// Fields: tile, slots, item_pairs, near (1: near tiles that an entry holds whole are left out of the index and noted for the
// row instead; near_tiles.cuh).

#include "common/warp.cuh"
#include "selection/kv_workspace.cuh"
#include "selection/near_tiles.cuh"
#include "selection/row.cuh"

namespace nsajit::selection {

struct RowPairs {
  int count = 0;
  uint32 near = 0;  // tiles that are not among them
};

// One warp and one row: calls visit(tile, first, last, number) for every tile that the row's entries touch, with the
// bounds of the keys inside the tile and the pair's number in the row. A lane an entry, so that the loads are coalesced.
template <class Fields, class Element, class Visit>
__device__ __forceinline__ RowPairs for_each_pair(const Row<Element>& row, int lane, Visit&& visit) {
  const int own = (row.limit - 1) / Fields::tile;
  RowPairs pairs;
  for (int base = 0; base < row.n; base += 32) {
    int start = 0;
    int end = 0;
    if (base + lane < row.n) read_entry<Fields::block>(row, base + lane, start, end);
    uint32 near = 0;
    if constexpr (Fields::near) {
      near = near_tiles<Fields::tile>(start, end, row.limit);
      pairs.near |= __reduce_or_sync(kAllLanes, near);
    }
    const int count = end > start ? (end - 1) / Fields::tile - start / Fields::tile + 1 - __popc(near) : 0;
    const int scan = scan_sum(count, lane);
    int number = pairs.count + scan - count;
    while (start < end) {
      const int tile = start / Fields::tile;
      const int tile_end = min((tile + 1) * Fields::tile, end);
      if (!Fields::near || (near & near_bit(tile, own)) == 0)
        visit(tile, start - tile * Fields::tile, tile_end - tile * Fields::tile, number++);
      start = tile_end;
    }
    pairs.count += __shfl_sync(kAllLanes, scan, 31);
  }
  return pairs;
}

template <class Fields>
__device__ __forceinline__ void kv_count(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  extern __shared__ __align__(128) char nsajit_smem[];
  int* const histogram = reinterpret_cast<int*>(nsajit_smem);
  const KvWorkspace<Fields> space(args, first_row);
  const int lane = threadIdx.x % 32;
  for (int tile = threadIdx.x; tile < space.tiles; tile += blockDim.x) histogram[tile] = 0;
  __syncthreads();
  const int last = min((static_cast<int>(blockIdx.x) + 1) * kIndexRows, space.present);
#pragma unroll 2
  for (int r = blockIdx.x * kIndexRows + threadIdx.x / 32; r < last; r += blockDim.x / 32) {
    const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row + r);
    const RowPairs pairs = for_each_pair<Fields>(row, lane, [&](int tile, int, int, int number) {
      if (number < Fields::slots) atomicAdd(&histogram[tile], 1);
    });
    if (pairs.count > Fields::slots) {       // not indexed after all
      for_each_pair<Fields>(row, lane, [&](int tile, int, int, int number) {
        if (number < Fields::slots) atomicSub(&histogram[tile], 1);
      });
    }
    if (lane == 0)
      space.pairs_of_row[r] = pairs.count <= Fields::slots ? pairs.count | static_cast<int>(pairs.near << kNearShift) : kTooManyPairs;
  }
  __syncthreads();
  int* const out = space.histogram + static_cast<int64>(blockIdx.x) * space.tiles;
  for (int tile = threadIdx.x; tile < space.tiles; tile += blockDim.x) out[tile] = histogram[tile];
}

// Exclusive sum over the block's threads; `total` is the sum of all. scratch: 32 ints.
__device__ __forceinline__ int block_scan(int value, int* scratch, int& total) {
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int inclusive = scan_sum(value, lane);
  if (lane == 31) scratch[warp] = inclusive;
  __syncthreads();
  if (warp == 0) {
    const int warps = blockDim.x / 32;
    const int sums = scan_sum(lane < warps ? scratch[lane] : 0, lane);
    scratch[lane] = sums;
  }
  __syncthreads();
  const int before = warp == 0 ? 0 : scratch[warp - 1];
  total = scratch[blockDim.x / 32 - 1];
  __syncthreads();
  return before + inclusive - value;
}

template <class Fields>
__device__ __forceinline__ void kv_scan(const nsajit_selection_args& args, int64 first_row) {
  __shared__ int scratch[32];
  const KvWorkspace<Fields> space(args, first_row);
  int pairs_before = 0;
  int items_before = 0;
  for (int base = 0; base < space.tiles; base += blockDim.x) {
    const int tile = base + threadIdx.x;
    int count = 0;
    if (tile < space.tiles) {
#pragma unroll 8
      for (int cta = 0; cta < space.index_ctas; ++cta) count += space.histogram[static_cast<int64>(cta) * space.tiles + tile];
    }
    int pairs = 0;
    int items = 0;
    int start = pairs_before + block_scan(count, scratch, pairs);
    const int item = items_before + block_scan(ceil_div(count, Fields::item_pairs), scratch, items);
    if (tile < space.tiles) {
      space.tile_start[tile] = start;
      space.item_start[tile] = item;
      for (int cta = 0; cta < space.index_ctas; ++cta) {
        int* const slot = space.histogram + static_cast<int64>(cta) * space.tiles + tile;
        const int own = *slot;
        *slot = start;
        start += own;
      }
    }
    pairs_before += pairs;
    items_before += items;
  }
  if (threadIdx.x == 0) {
    space.tile_start[space.tiles] = pairs_before;
    space.item_start[space.tiles] = items_before;
  }
}

template <class Fields>
__device__ __forceinline__ void kv_fill(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  extern __shared__ __align__(128) char nsajit_smem[];
  int* const next = reinterpret_cast<int*>(nsajit_smem);
  const KvWorkspace<Fields> space(args, first_row);
  const int* const starts = space.histogram + static_cast<int64>(blockIdx.x) * space.tiles;
  for (int tile = threadIdx.x; tile < space.tiles; tile += blockDim.x) next[tile] = starts[tile];
  __syncthreads();
  const int lane = threadIdx.x % 32;
  const int last = min((static_cast<int>(blockIdx.x) + 1) * kIndexRows, space.present);
#pragma unroll 2
  for (int r = blockIdx.x * kIndexRows + threadIdx.x / 32; r < last; r += blockDim.x / 32) {
    if (space.pairs_of_row[r] == kTooManyPairs) continue;
    const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row + r);
    for_each_pair<Fields>(row, lane, [&](int tile, int first, int end, int number) {
      space.pairs[atomicAdd(&next[tile], 1)] = Pair{r * Fields::slots + number, first | end << 16};
    });
  }
}

}  // namespace nsajit::selection
