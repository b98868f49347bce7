#pragma once
// Query-major selection forward (arXiv 2502.11089, Eq. 5 over the selected tokens): a CTA owns `queries`
// neighbouring rows of one KV group and streams each row's selected K and V once through shared memory.
//
// Warps of a row: key_warps teams take every key_warps-th tile of `keys` tokens; the head_warps warps of a team
// share its ring of `stages` tiles and hold different heads. Teams run on their own (no CTA barrier in the main
// loop) and are merged once, at the end. The grid walks rows fastest and groups slowest, so that one group's K
// and V stay in L2 while they are read.
//
// Fields: element, dk, dv, block (0: ranges), group, keys, stages, queries, key_warps, heads, columns (not with fp32),
// through_l1.

#include "common/async_copy.cuh"
#include "common/heads_as_lanes.cuh"
#include "common/heads_as_rows.cuh"
#include "selection/heads_as_columns.cuh"
#include "selection/row.cuh"
#include "selection/row_tiles.cuh"

namespace nsajit::selection {

template <bool kColumns, class Fields>
struct HeadsOf { using Type = HeadsAsRows<Fields>; };
template <class Fields>
struct HeadsOf<true, Fields> { using Type = HeadsAsColumns<Fields>; };

// How a warp computes, and what shared memory of its own it takes for that.
template <class Fields, class Element = typename Fields::element>
struct QueryHeads {
  using Type = typename HeadsOf<Fields::columns != 0, Fields>::Type;
  static constexpr int kScratch = 0;
};
template <class Fields>
struct QueryHeads<Fields, float> {
  using Type = HeadsAsLanes<Fields>;
  static constexpr int kScratch = Type::kScratchBytes;
};

template <class Fields>
class QueryMajor {
 public:
  using Element = typename Fields::element;
  using Heads = typename QueryHeads<Fields>::Type;
  static constexpr int kBytes = sizeof(Element);
  static constexpr int kKeys = Fields::keys;
  static constexpr int kHeadWarps = ceil_div(Fields::group, Heads::kHeads);
  static constexpr int kKeyWarps = Fields::key_warps;
  static constexpr int kRowWarps = kHeadWarps * kKeyWarps;
  static constexpr int kThreads = 32 * kRowWarps * Fields::queries;
  // Odd multiples of 16 bytes: ldmatrix without bank conflicts.
  static constexpr int kKRow = Fields::dk * kBytes + 16;
  static constexpr int kVRow = Fields::dv * kBytes + 16;
  static constexpr int kStage = kKeys * (kKRow + kVRow);
  static constexpr int kORow = partial_row(Fields::dv);
  static constexpr int kPartials = kRowWarps * Heads::kHeads * kORow * 4;
  static constexpr int kRing = larger(kKeyWarps * Fields::stages * kStage, kPartials);
  static constexpr int kStats = ceil_div(kRowWarps * Heads::kHeads * 2 * 4, 16) * 16;
  static constexpr int kScratch = QueryHeads<Fields>::kScratch;
  static constexpr int kRowBytes = kRing + kStats + kRowWarps * kScratch;   // shared memory of one row

  static __device__ __forceinline__ void run(const Row<Element>& row, float scale, char* smem) {
    const int warp = threadIdx.x / 32;
    const int query = warp / kRowWarps;
    const char* const row_smem = smem + query * kRowBytes;
    compute<1>(row, scale, smem, 0);
    warps_sync<kRowWarps>(1 + query);
    const float* const maxima = reinterpret_cast<const float*>(row_smem + kRing);
    merge_partials<Element, Fields::group, Fields::dv, kHeadWarps * Heads::kHeads, kKeyWarps>(
        row, reinterpret_cast<const float*>(row_smem), maxima, maxima + kRowWarps * Heads::kHeads, (warp % kRowWarps) * 32 + threadIdx.x % 32,
        32 * kRowWarps, scale);
  }

  // Attends to every kSplits-th tile of the row, from tile `split` on, and leaves the teams' partial results in shared
  // memory; a barrier makes them visible.
  template <int kSplits>
  static __device__ __forceinline__ void compute(const Row<Element>& row, float scale, char* smem, int split) {
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int query = warp / kRowWarps;
    const int team = (warp % kRowWarps) / kHeadWarps;
    const int head_warp = warp % kHeadWarps;
    char* const row_smem = smem + query * kRowBytes;
    const float scale2 = scale * 1.4426950408889634f;

    Heads heads;
    if constexpr (kScratch > 0) heads.set_scratch(row_smem + kRing + kStats + warp % kRowWarps * kScratch);
    const int first_head = head_warp * Heads::kHeads;
    heads.load_query(row.q + first_head * row.q_head, row.q_head, Fields::group - first_head, lane);
    RowTiles<kKeys, Fields::block> tiles(row.entries, row.n, row.limit, team * kSplits + split, kKeyWarps * kSplits);
    stream(row, heads, tiles, smem_address(row_smem) + team * Fields::stages * kStage, 1 + Fields::queries + query * kKeyWarps + team,
           head_warp * 32 + lane, scale2);

    wait_copies<0>();
    warps_sync<kRowWarps>(1 + query);
    float* const partials = reinterpret_cast<float*>(row_smem);
    float* const maxima = reinterpret_cast<float*>(row_smem + kRing);
    float* const sums = maxima + kRowWarps * Heads::kHeads;
    const int slot = (team * kHeadWarps + head_warp) * Heads::kHeads;
    heads.template store_partial<kORow>(partials + slot * kORow, maxima + slot, sums + slot, lane);
  }

 private:
  // The team's tiles: copies run `stages` - 1 tiles ahead of the arithmetic.
  static __device__ __forceinline__ void stream(const Row<Element>& row, Heads& heads, RowTiles<kKeys, Fields::block>& tiles, uint32 ring,
                                                int barrier, int team_thread, float scale2) {
    constexpr int kAhead = Fields::stages - 1;
    constexpr uint32 kRingBytes = Fields::stages * kStage;
    int counts[kAhead];      // of the tiles under way, oldest first
#pragma unroll
    for (int stage = 0; stage < kAhead; ++stage) counts[stage] = copy_tile(row, tiles.next(), ring + stage * kStage, team_thread);
    uint32 offset = 0;       // of the oldest tile in the ring
#pragma unroll 1
    while (counts[0] > 0) {
      wait_copies<kAhead - 1>();
      warps_sync<kHeadWarps>(barrier);
      const int count = counts[0];
      const uint32 refill = offset == 0 ? kRingBytes - kStage : offset - kStage;
#pragma unroll
      for (int i = 0; i + 1 < kAhead; ++i) counts[i] = counts[i + 1];
      counts[kAhead - 1] = copy_tile(row, tiles.next(), ring + refill, team_thread);
      const uint32 tile = ring + offset;
      heads.template attend<kKRow, kVRow>(tile, tile + kKeys * kKRow, count, scale2, threadIdx.x % 32);
      offset = offset + kStage == kRingBytes ? 0 : offset + kStage;
    }
  }

  static __device__ __forceinline__ int copy_tile(const Row<Element>& row, const Tile& tile, uint32 destination, int team_thread) {
    if (tile.count > 0) {
      copy_rows<Fields::dk, kKRow>(row.k + tile.token * row.k_stride, row.k_stride, tile.count, destination, team_thread);
      copy_rows<Fields::dv, kVRow>(row.v + tile.token * row.v_stride, row.v_stride, tile.count, destination + kKeys * kKRow,
                                   team_thread);
    }
    commit_copies();
    return tile.count;
  }

  // kKeys rows of kWidth elements, zeros from row `count` on. Lanes cover whole 32-byte sectors, up to 128 bytes.
  template <int kWidth, int kRowStride>
  static __device__ __forceinline__ void copy_rows(const char* source, int64 stride, int count, uint32 destination, int thread) {
    constexpr int kChunks = kWidth * kBytes / 16;
    constexpr int kAcross = kChunks % 16 == 0 ? 16 : kChunks % 8 == 0 ? 8 : kChunks % 4 == 0 ? 4 : 2;
    constexpr int kDown = 32 * kHeadWarps / kAcross;
    constexpr CopyPath kPath = Fields::through_l1 ? CopyPath::kThroughL1 : CopyPath::kL2Only;
    const int first = thread / kAcross;
    const int column = (thread % kAcross) * 16;
    source += first * stride + column;
    destination += first * kRowStride + column;
#pragma unroll
    for (int down = 0; down < kKeys; down += kDown) {
      const bool inside = kKeys % kDown == 0 || down + first < kKeys;
      const int bytes = down + first < count ? 16 : 0;   // 0: the address is not read
#pragma unroll
      for (int across = 0; across < kChunks; across += kAcross) {
        if (inside) copy_16_async<kPath>(destination + down * kRowStride + across * 16, source + across * 16, bytes);
      }
      source += kDown * stride;
    }
  }
};

// Row s of group blockIdx.y in batch blockIdx.z; long rows (late positions) start first.
template <class Fields>
__device__ __forceinline__ void query_major(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Kernel = QueryMajor<Fields>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const int query = threadIdx.x / (32 * Kernel::kRowWarps);
  const int64 s = sequence_rows(args, blockIdx.z) - 1 - (first_row + static_cast<int64>(blockIdx.x) * Fields::queries + query);
  if (s < 0) return;
  const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, s);
  Kernel::run(row, args.scale, nsajit_smem);
}

}  // namespace nsajit::selection
