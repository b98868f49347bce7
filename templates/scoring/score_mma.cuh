#pragma once
// Scoring with top-n by warps with mma.sync (SM 80 and up), in fp32 on the plain arithmetic units: as score_wgmma.cuh, each
// warp computes on 16 keys of a tile, all threads copy.
//
// Fields: element, dk, group, query_lanes, l, d, l_sel, n_sel, ranges, ranges_v2, room, columns, stages, warps.
// The host computes the same sizes: scoring_cuda_space.cpp.

#include "common/async_copy.cuh"
#include "common/ldmatrix.cuh"
#include "common/mma.cuh"
#include "common/shared.cuh"
#include "scoring/tile_scores.cuh"

namespace nsajit::scoring {

template <class Fields>
class ScoreMma {
 public:
  using Element = typename Fields::element;
  using Columns = QueryColumns<Fields>;
  using Scores = typename Columns::Scores;
  static constexpr int kWarps = Fields::warps;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kTile = 16 * kWarps;
  using Choice = BlockChoice<Fields, kTile, kWarps>;
  using Tile = TileScores<Fields, kTile, kWarps>;
  static constexpr int kBytes = sizeof(Element);
  static constexpr int kRow = Fields::dk * kBytes + 16;  // an odd multiple of 16 bytes: read without bank conflicts
  static constexpr int kStage = kTile * kRow;
  static constexpr int kRing = Fields::stages * kStage;
  static constexpr int kChoice = kRing + Columns::kColumns * kRow;  // the ring, Q, then what BlockChoice holds

  const nsajit_scoring_args& args;
  uint32 ring;

  __device__ __forceinline__ void copy_queries(const Item& item, const typename Choice::Queries& queries) const {
    const Element* const q = locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item,
                                    queries.sequence.first_row + queries.first);
    Columns::template copy<kThreads>(args, q, queries.count, threadIdx.x,
                                     [&](int column, int chunk) { return ring + kRing + column * kRow + chunk * 16; });
  }

  __device__ __forceinline__ void multiply(Scores& s, int stage, int warp, int lane) const {
    if constexpr (kBytes == 4) {
      multiply_exactly(s, ring + stage * kStage + warp * 16 * kRow, lane);
    } else {
      multiply_matrices(s, stage, warp, lane);
    }
  }

  // In the layout of the matrix instruction: a lane has two keys and a fourth of the columns.
  __device__ __forceinline__ void multiply_exactly(Scores& s, uint32 warp_keys, int lane) const {
    const uint32 keys = warp_keys + lane / 4 * kRow;
    const uint32 queries = ring + kRing + lane % 4 * 2 * kRow;
#pragma unroll
    for (int i = 0; i < Columns::kColumns / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) s[i][j] = 0.0f;
    }
#pragma unroll 1
    for (int step = 0; step < Fields::dk / 4; ++step) {
      const float4 k[2] = {load_shared_4(keys + step * 16), load_shared_4(keys + 8 * kRow + step * 16)};
#pragma unroll
      for (int place = 0; place < Columns::kUsed; ++place) {
        const float4 q = load_shared_4(queries + (place / 2 * 8 + place % 2) * kRow + step * 16);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float& sum = s[place / 2][2 * half + place % 2];
          sum = fmaf(q.x, k[half].x, sum);
          sum = fmaf(q.y, k[half].y, sum);
          sum = fmaf(q.z, k[half].z, sum);
          sum = fmaf(q.w, k[half].w, sum);
        }
      }
    }
  }

  __device__ __forceinline__ void multiply_matrices(Scores& s, int stage, int warp, int lane) const {
    const uint32 keys = ring + stage * kStage + (warp * 16 + lane % 16) * kRow + lane / 16 * 16;
    const uint32 queries = ring + kRing + (lane % 8 + lane / 16 * 8) * kRow + lane / 8 % 2 * 16;
#pragma unroll
    for (int i = 0; i < Columns::kColumns / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) s[i][j] = 0.0f;
    }
#pragma unroll
    for (int step = 0; step < Fields::dk / 16; ++step) {
      uint32 a[4];
      ldmatrix_x4(a, keys + step * 32);
#pragma unroll
      for (int i = 0; i < Columns::kColumns / 8; i += 2) {
        uint32 b[4];
        ldmatrix_x4(b, queries + i * 8 * kRow + step * 32);
        mma_m16n8k16<Element>(s[i], a, b[0], b[1]);
        mma_m16n8k16<Element>(s[i + 1], a, b[2], b[3]);
      }
    }
  }

  // Scores of `tiles` tiles in turn; visit(scores, tile). What was copied before is there when it is called first.
  template <class Visit>
  __device__ __forceinline__ void walk(const Item& item, const typename Choice::Queries& queries, int tiles,
                                       Visit&& visit) const {
    const int64 stride = args.k_s * kBytes;
    const char* const k = reinterpret_cast<const char*>(
        locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, queries.sequence.first_key));
    const auto load = [&](int tile, int stage) {
      constexpr int kChunks = Fields::dk * kBytes / 16;
      if (tile < tiles) {
        const int count = queries.sequence.keys - tile * kTile;
        const char* const source = k + static_cast<int64>(tile) * kTile * stride;
#pragma unroll 4
        for (int i = threadIdx.x; i < kTile * kChunks; i += kThreads) {
          const int row = i / kChunks;
          const int chunk = i % kChunks;
          copy_16_async<CopyPath::kL2Only>(ring + stage * kStage + row * kRow + chunk * 16, source + row * stride + chunk * 16,
                                           row < count ? 16 : 0);
        }
      }
      commit_copies();
    };
    __syncthreads();  // the pass before has read the ring
#pragma unroll
    for (int stage = 0; stage < Fields::stages - 1; ++stage) load(stage, stage);
    int stage = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      wait_copies<Fields::stages - 2>();
      __syncthreads();  // the tile is there, and the one before is read
      load(tile + Fields::stages - 1, stage == 0 ? Fields::stages - 1 : stage - 1);
      Scores s;
      multiply(s, stage, threadIdx.x / 32, threadIdx.x % 32);
      visit(s, tile);
      stage = stage + 1 == Fields::stages ? 0 : stage + 1;
    }
    wait_copies<0>();
  }

  __device__ __forceinline__ void choose(const Item& item, const Choice& choice) const {
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const typename Choice::Queries& queries = choice.queries;
    const auto sync = [] { __syncthreads(); };
    typename Choice::Best best;
    if (queries.decides(queries.count - 1, args.n)) {
      copy_queries(item, queries);
      const Tile tiles{choice, args.scale * kLog2E, queries.seen(0), warp * 16 + lane / 4, warp, lane};
      if (args.lse == nullptr) {
        ColumnSums<Fields> column_sums;
        walk(item, queries, max(1, ceil_div(queries.seen(queries.count - 1), kTile)),
             [&](Scores& s, int tile) { tiles.add(column_sums, s, tile, 0); });
        tiles.merge(column_sums, 0, sync);
      } else {
        tiles.read_lse(item, sync);
      }
      choice.begin(best, warp, lane);
      const typename Tile::template ColumnLse<true> lse(tiles);
      const int last = max(1, ceil_div(queries.scored_keys(), kTile)) - 1;
      walk(item, queries, last + 1, [&](Scores& s, int tile) {
        tiles.store_sums(s, lse, tile);
        if (!Choice::Ring::takes(tile, tile == last)) return;
        sync();
        choice.take_tiles(best, tile, tile == last, warp, lane);
        if (!Choice::Ring::kSpare) sync();
      });
    }
    choice.write(best, item, warp, lane);
  }
};

template <class Fields>
__device__ __forceinline__ void score_mma(const nsajit_scoring_args& args, int64) {
  using Kernel = ScoreMma<Fields>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const int64 all = args.B * args.G;
  const int64 outer = blockIdx.x / all;
  const int64 bg = blockIdx.x - outer * all;
  const Item item{bg / args.G, bg % args.G, outer};
  const typename Kernel::Choice::Queries queries(args, item.b, item.block);
  if (queries.count == 0) return;
  const Kernel kernel{args, smem_address(nsajit_smem)};
  kernel.choose(item, typename Kernel::Choice(args, queries, nsajit_smem + Kernel::kChoice));
}

}  // namespace nsajit::scoring
