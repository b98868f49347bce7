#pragma once
// KV-block-major selection forward: K and V of a tile stay in shared memory while every row that selected it passes
// by. Rows are (query, head) pairs flattened, 16 to a warp, so any group size fills the matrix units; a query's
// bytes are Q and one partial result per selected tile, whatever the head size saves elsewhere. Partial results go
// to the row's own slots and are merged by kv_combine: no atomics, bit-identical on every run.
//
// Fields: element, dk, dv, block (0: ranges), group, tile, keys, slots, warps, item_pairs, chunk.

#include "common/async_copy.cuh"
#include "common/heads_as_rows.cuh"
#include "selection/kv_index.cuh"

namespace nsajit::selection {

template <class Fields>
struct KvShape {
  static constexpr int kKRow = Fields::dk * 2 + 16;
  static constexpr int kVRow = Fields::dv * 2 + 16;
  static constexpr int kTileBytes = Fields::tile * (kKRow + kVRow);
  static constexpr int kQueryBytes = 16 * kKRow;            // one stage of one warp
  static constexpr int kSmem = kTileBytes + Fields::warps * 2 * kQueryBytes;
};

// The tile that work item `item` belongs to: the last whose first item is not beyond it. All lanes agree.
__device__ __forceinline__ int find_tile(const int* item_start, int tiles, int item, int lane) {
  int low = 0;
  int count = tiles;       // candidates low .. low + count - 1
  while (count > 1) {
    const int step = ceil_div(count, 32);
    const int probe = low + lane * step;
    const bool not_beyond = lane * step < count && item_start[probe] <= item;
    const int last = 31 - __clz(__ballot_sync(kAllLanes, not_beyond));
    count = min(step, count - last * step);
    low += last * step;
  }
  return low;
}

// What one CTA does: some of the pairs of one tile. pair_count 0: there is no such item.
struct WorkItem {
  int tile = 0;
  int first_pair = 0;
  int pair_count = 0;
};

template <class Fields>
__device__ __forceinline__ WorkItem find_item(const KvWorkspace<Fields>& space, int lane) {
  const int item = blockIdx.x;
  if (item >= space.item_start[space.tiles]) return {};
  const int tile = find_tile(space.item_start, space.tiles, item, lane);
  const int first = space.tile_start[tile] + (item - space.item_start[tile]) * Fields::item_pairs;
  return {tile, first, min(space.tile_start[tile + 1] - first, Fields::item_pairs)};
}

// Rows of kWidth elements, `count` real ones, into shared memory by all threads of the block.
template <int kWidth, int kRowStride, int kRows>
__device__ __forceinline__ void copy_tile_rows(const char* source, int64 stride, int count, uint32 destination) {
  constexpr int kChunks = kWidth / 8;
  for (int i = threadIdx.x; i < kRows * kChunks; i += blockDim.x) {
    const int row = i / kChunks;
    const int column = i % kChunks * 16;
    copy_16_async<CopyPath::kL2Only>(destination + row * kRowStride + column, source + row * stride + column, row < count ? 16 : 0);
  }
}

// 16 rows of one warp: which query head each is, where its result goes, which keys it sees. Lane i holds row i % 16.
struct WarpRows {
  int slot = -1;        // -1: no row
  int head = 0;
  int bounds = 0;
};

template <class Fields>
class KvMajor {
 public:
  using Element = typename Fields::element;
  using Shape = KvShape<Fields>;
  const nsajit_selection_args& args;
  const KvWorkspace<Fields>& space;
  const Element* q;     // row first_row of this (b, g)
  int lane = threadIdx.x % 32;

  __device__ __forceinline__ WarpRows find_rows(const Pair* pairs, int rows, int first) const {
    WarpRows found;
    const int row = first + lane % 16;
    if (row < rows) {
      const Pair pair = pairs[row / Fields::group];
      found.slot = pair.slot;
      found.head = row % Fields::group;
      found.bounds = pair.bounds;
    }
    return found;
  }

  // Gathers the rows' Q; missing rows become zeros.
  __device__ __forceinline__ void copy_queries(const WarpRows& rows, uint32 destination) const {
    constexpr int kChunks = Fields::dk / 8;
    constexpr int kAcross = kChunks % 16 == 0 ? 16 : kChunks % 8 == 0 ? 8 : kChunks % 4 == 0 ? 4 : 2;
    constexpr int kDown = 32 / kAcross;
    const int64 offset = (rows.slot / Fields::slots) * args.q_s + rows.head * args.q_h;
#pragma unroll
    for (int down = 0; down < 16; down += kDown) {
      const int row = down + lane / kAcross;
      const int64 from = __shfl_sync(kAllLanes, offset, row);
      const int bytes = __shfl_sync(kAllLanes, rows.slot, row) >= 0 ? 16 : 0;
      const char* const source = reinterpret_cast<const char*>(q + (bytes ? from : 0));
#pragma unroll
      for (int across = lane % kAcross; across < kChunks; across += kAcross) {
        copy_16_async<CopyPath::kL2Only>(destination + row * Shape::kKRow + across * 16, source + across * 16, bytes);
      }
    }
  }

  __device__ __forceinline__ void attend(const WarpRows& rows, uint32 queries, uint32 tile, float scale2) const {
    HeadsAsRows<Fields> heads;
    heads.template load_query_smem<Shape::kKRow>(queries, lane);
    KeyBounds bounds;
    int slot[2], head[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int packed = __shfl_sync(kAllLanes, rows.bounds, lane / 4 + 8 * half);
      bounds.first[half] = packed & 0xffff;
      bounds.last[half] = packed >> 16;
      slot[half] = __shfl_sync(kAllLanes, rows.slot, lane / 4 + 8 * half);
      head[half] = __shfl_sync(kAllLanes, rows.head, lane / 4 + 8 * half);
    }
#pragma unroll 1
    for (int key = 0; key < Fields::tile; key += Fields::keys) {
      const bool cut = bounds.first[0] > 0 || bounds.first[1] > 0 || bounds.last[0] < Fields::keys || bounds.last[1] < Fields::keys;
      heads.template attend_bounded<Shape::kKRow, Shape::kVRow>(tile + key * Shape::kKRow, tile + Fields::tile * Shape::kKRow + key * Shape::kVRow,
                                                                bounds, __any_sync(kAllLanes, cut), scale2, lane);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        bounds.first[half] -= Fields::keys;
        bounds.last[half] -= Fields::keys;
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float lse = heads.finish_row(half, scale2);
      const int64 out = static_cast<int64>(slot[half]) * Fields::group + head[half];
      if (slot[half] >= 0 && lane % 4 == 0) space.lse[out] = lse;
      heads.store_row(half, space.partial + out * Fields::dv, slot[half] >= 0, lane);
    }
  }
};

template <class Fields>
__device__ __forceinline__ void kv_major(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Shape = KvShape<Fields>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const KvWorkspace<Fields> space(args, first_row);
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const WorkItem item = find_item(space, lane);
  if (item.pair_count <= 0) return;

  const Row<Element> group = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row);
  const uint32 kv = smem_address(nsajit_smem);
  const int64 token = static_cast<int64>(item.tile) * Fields::tile;
  const int64 keys = sequence_keys(args, blockIdx.z) - token;
  const int tokens = static_cast<int>(keys < Fields::tile ? keys : Fields::tile);
  copy_tile_rows<Fields::dk, Shape::kKRow, Fields::tile>(group.k + token * group.k_stride, group.k_stride, tokens, kv);
  copy_tile_rows<Fields::dv, Shape::kVRow, Fields::tile>(group.v + token * group.v_stride, group.v_stride, tokens, kv + Fields::tile * Shape::kKRow);
  commit_copies();

  const KvMajor<Fields> kernel{args, space, group.q};
  const Pair* const pairs = space.pairs + item.first_pair;
  const int rows = item.pair_count * Fields::group;
  const uint32 stages = kv + Shape::kTileBytes + warp * 2 * Shape::kQueryBytes;
  constexpr int kStep = 16 * Fields::warps;
  const float scale2 = args.scale * 1.4426950408889634f;
  int first = warp * 16;
  WarpRows next = kernel.find_rows(pairs, rows, first);
  WarpRows after_next = kernel.find_rows(pairs, rows, first + kStep);
  kernel.copy_queries(next, stages);
  commit_copies();
  wait_copies<1>();
  __syncthreads();                           // K and V are there for all
  for (int stage = 0; first < rows; first += kStep, stage ^= 1) {
    const WarpRows current = next;
    next = after_next;
    after_next = kernel.find_rows(pairs, rows, first + 2 * kStep);
    if (first + kStep < rows) kernel.copy_queries(next, stages + (stage ^ 1) * Shape::kQueryBytes);
    commit_copies();
    wait_copies<1>();
    __syncwarp();
    kernel.attend(current, stages + stage * Shape::kQueryBytes, kv, scale2);
    __syncwarp();
  }
  wait_copies<0>();
}

}  // namespace nsajit::selection
