#pragma once
// Query-tile union, selection forward: a CTA owns `queries` neighbouring rows of one KV group, one warp each.
// Producer warps stream every key tile that any of the rows selected, once; each row's warp takes the tiles that
// its row selected and lets the others pass. Bytes from L2 shrink by how far the rows' selections meet: random
// selections meet often while S / l_sel is a small multiple of n_sel, real ones at any length.
//
// Shared memory: ring of `stages` tiles of kTile keys, full and empty barriers, one bitmap of tiles per row and
// their union, each row's stats and, where it is not in registers, its Q. Partial results leave through the ring.
//
// Fields: element, dk, dv, block (0: ranges), group (<= heads), keys, stages, queries, heads, columns,
// producers, q_shared.

#include "common/barrier.cuh"
#include "selection/query_major.cuh"
#include "selection/row.cuh"
#include "selection/shared_query_rows.cuh"

namespace nsajit::selection {

// Where a row's warp keeps its heads and their Q: columns, rows with Q in registers, rows with Q in shared memory.
template <int kColumns, int kShared, class Fields>
struct UnionHeads { using Type = typename HeadsOf<kColumns != 0, Fields>::Type; };
template <class Fields>
struct UnionHeads<0, 1, Fields> { using Type = SharedQueryRows<Fields>; };

template <class Fields>
class QueryUnion {
 public:
  using Element = typename Fields::element;
  using Heads = typename UnionHeads<Fields::columns, Fields::q_shared, Fields>::Type;
  static constexpr int kTile = 64;
  static constexpr int kRows = Fields::queries;
  static constexpr int kThreads = 32 * (kRows + Fields::producers);
  static constexpr int kKRow = Fields::dk * 2 + 16;
  static constexpr int kVRow = Fields::dv * 2 + 16;
  static constexpr int kStage = kTile * (kKRow + kVRow);
  static constexpr int kORow = partial_row(Fields::dv);
  static constexpr int kPartials = kRows * Heads::kHeads * kORow * 4;
  static constexpr int kRing = larger(Fields::stages * kStage, kPartials);
  static constexpr int kStats = kRows * Heads::kHeads * 2 * 4;
  static constexpr int kBarriers = 2 * Fields::stages * 8;
  static constexpr int kQuery = Fields::q_shared ? 16 * (Fields::dk * 2 + 16) : 0;    // per row

  char* smem;
  uint32* bitmaps;       // [kRows + 1][words], the union last
  int words;

  __device__ __forceinline__ QueryUnion(char* base, int64 S_kv)
      : smem(base), bitmaps(reinterpret_cast<uint32*>(base + kRing + kStats + kBarriers + kRows * kQuery)),
        words(static_cast<int>((S_kv + 32 * kTile - 1) / (32 * kTile))) {}

  __device__ __forceinline__ uint32 full(int stage) const { return smem_address(smem + kRing + kStats) + stage * 8; }
  __device__ __forceinline__ uint32 empty(int stage) const { return full(stage) + Fields::stages * 8; }

  // Marks the tiles of one row; all warps of the block call it for their own row before the barrier.
  __device__ __forceinline__ void mark(const Row<Element>& row, int slot, int lane) {
    for (int entry = lane; entry < row.n; entry += 32) {
      int start, end;
      read_entry<Fields::block>(row, entry, start, end);
      if (end <= start) continue;
      for (int tile = start / kTile; tile <= (end - 1) / kTile; ++tile) {
        const uint32 bit = 1u << (tile % 32);
        atomicOr(&bitmaps[slot * words + tile / 32], bit);
        atomicOr(&bitmaps[kRows * words + tile / 32], bit);
      }
    }
  }

  // Copies the union's tiles in ascending order. `row` is any row: K and V are the group's.
  __device__ __forceinline__ void produce(const Row<Element>& row, int last_token, int thread) {
    int stage = 0;
    uint32 parity = 1;                         // the first pass finds every stage empty
    for (int word = 0; word < words; ++word) {
      uint32 bits = bitmaps[kRows * words + word];
      while (bits != 0) {
        const int tile = word * 32 + __ffs(bits) - 1;
        bits &= bits - 1;
        barrier_wait(empty(stage), parity);
        const uint32 destination = smem_address(smem) + stage * kStage;
        const int count = last_token - tile * kTile;
        copy<Fields::dk, kKRow>(row.k + static_cast<int64>(tile) * kTile * row.k_stride, row.k_stride, count, destination, thread);
        copy<Fields::dv, kVRow>(row.v + static_cast<int64>(tile) * kTile * row.v_stride, row.v_stride, count,
                                destination + kTile * kKRow, thread);
        barrier_arrive_after_copies(full(stage));
        if (++stage == Fields::stages) {
          stage = 0;
          parity ^= 1;
        }
      }
    }
    wait_copies<0>();
  }

  template <int kWidth, int kRowStride>
  static __device__ __forceinline__ void copy(const char* source, int64 stride, int count, uint32 destination, int thread) {
    constexpr int kChunks = kWidth / 8;
    constexpr int kAcross = kChunks % 16 == 0 ? 16 : kChunks % 8 == 0 ? 8 : kChunks % 4 == 0 ? 4 : 2;
    constexpr int kDown = 32 * Fields::producers / kAcross;
    const int first = thread / kAcross;
    const int column = (thread % kAcross) * 16;
    source += first * stride + column;
    destination += first * kRowStride + column;
#pragma unroll
    for (int down = 0; down < kTile; down += kDown) {
      const int bytes = down + first < count ? 16 : 0;
#pragma unroll
      for (int across = 0; across < kChunks; across += kAcross) {
        copy_16_async<CopyPath::kL2Only>(destination + down * kRowStride + across * 16, source + across * 16, bytes);
      }
      source += kDown * stride;
    }
  }

  // One row's warp: waits for each tile of the union, computes on its own.
  __device__ __forceinline__ void consume(const Row<Element>& row, Heads& heads, int slot, float scale2, int lane) {
    int stage = 0;
    uint32 parity = 0;
    int start = 0, end = 0;
    if (lane < row.n) read_entry<Fields::block>(row, lane, start, end);
    for (int word = 0; word < words; ++word) {
      uint32 bits = bitmaps[kRows * words + word];
      const uint32 own = bitmaps[slot * words + word];
      while (bits != 0) {
        const int bit = __ffs(bits) - 1;
        bits &= bits - 1;
        barrier_wait(full(stage), parity);
        if (own >> bit & 1) attend_tile(heads, word * 32 + bit, start, end, smem_address(smem) + stage * kStage, scale2, lane);
        barrier_arrive(empty(stage));
        if (++stage == Fields::stages) {
          stage = 0;
          parity ^= 1;
        }
      }
    }
  }

  // The parts of the tile that this row's entries (one per lane) cover.
  __device__ __forceinline__ void attend_tile(Heads& heads, int tile, int start, int end, uint32 k_tile, float scale2, int lane) {
    const int first = max(start - tile * kTile, 0);
    const int last = min(end - tile * kTile, kTile);
    uint32 covering = __ballot_sync(kAllLanes, first < last);
    while (covering != 0) {
      const int owner = __ffs(covering) - 1;
      covering &= covering - 1;
      const int from = __shfl_sync(kAllLanes, first, owner);
      const int to = __shfl_sync(kAllLanes, last, owner);
#pragma unroll 1
      for (int key = from / Fields::keys * Fields::keys; key < to; key += Fields::keys) {
        heads.template attend<kKRow, kVRow>(k_tile + key * kKRow, k_tile + kTile * kKRow + key * kVRow, to - key, scale2, lane, from - key);
      }
    }
  }
};

template <class Fields>
__device__ __forceinline__ void query_union(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Kernel = QueryUnion<Fields>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  Kernel kernel(nsajit_smem, args.S_kv);
  // Late rows first; rows before the first are empty.
  const int64 top = sequence_rows(args, blockIdx.z) - 1 - first_row - static_cast<int64>(blockIdx.x) * Fields::queries;
  if (top < 0) return;
  const int64 s = top - min(warp, Fields::queries - 1);
  const bool real = s >= 0;
  Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, real ? s : 0);
  if (!real) row.n = 0;

  for (int i = threadIdx.x; i < (Kernel::kRows + 1) * kernel.words; i += Kernel::kThreads) kernel.bitmaps[i] = 0;
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Fields::stages; ++stage) {
      barrier_init(kernel.full(stage), 32 * Fields::producers);
      barrier_init(kernel.empty(stage), 32 * Fields::queries);
    }
  }
  __syncthreads();
  if (warp < Fields::queries) kernel.mark(row, warp, lane);
  __syncthreads();
  if (warp >= Fields::queries) {
    kernel.produce(row, static_cast<int>(args.S_kv - args.S + top + 1), threadIdx.x - 32 * Fields::queries);
    asm volatile("bar.arrive 1, %0;" ::"n"(Kernel::kThreads) : "memory");
    return;
  }
  typename Kernel::Heads heads;
  if constexpr (Fields::q_shared) {
    char* const shared = nsajit_smem + Kernel::kRing + Kernel::kStats + Kernel::kBarriers + warp * Kernel::kQuery;
    heads.load_query(row.q, row.q_head, Fields::group, shared, lane);
  } else {
    heads.load_query(row.q, row.q_head, Fields::group, lane);
  }
  const float scale2 = args.scale * 1.4426950408889634f;
  kernel.consume(row, heads, warp, scale2, lane);
  asm volatile("bar.sync 1, %0;" ::"n"(Kernel::kThreads) : "memory");
  float* const partials = reinterpret_cast<float*>(nsajit_smem) + warp * Kernel::Heads::kHeads * Kernel::kORow;
  float* const maxima = reinterpret_cast<float*>(nsajit_smem + Kernel::kRing) + warp * Kernel::Heads::kHeads * 2;
  float* const sums = maxima + Kernel::Heads::kHeads;
  heads.template store_partial<Kernel::kORow>(partials, maxima, sums, lane);
  __syncwarp();
  if (real) {
    merge_partials<Element, Fields::group, Fields::dv, Kernel::Heads::kHeads, 1>(row, partials, maxima, sums, lane, 32, args.scale);
  }
}

}  // namespace nsajit::selection
