#pragma once
// Dense attention over a window of keys per row, by warps with mma.sync (SM 80 and up): as dense_wgmma.cuh, a warp holds 16
// consecutive (query, head) rows and all warps of the CTA read each tile of keys from a shared ring.
//
// Fields: element, dk, dv, group, sliding, w, l, d, tile, keys (= tile), stages, warps.
// The host computes the same sizes: dense_cuda_space.cpp.

#include "common/async_copy.cuh"
#include "common/heads_as_rows.cuh"
#include "dense/dense_rows.cuh"

namespace nsajit::dense {

template <class Fields>
class DenseMma {
 public:
  using Element = typename Fields::element;
  using Cta = CtaRows<Fields, 16 * Fields::warps>;
  static constexpr int kTile = Fields::tile;
  static constexpr int kThreads = 32 * Fields::warps;
  static constexpr int kKRow = Fields::dk * 2 + 16;  // odd multiples of 16 bytes: ldmatrix without bank conflicts
  static constexpr int kVRow = Fields::dv * 2 + 16;
  static constexpr int kStage = kTile * (kKRow + kVRow);

  // kRows rows of kWidth elements, `count` of them real, by all threads.
  template <int kWidth, int kRowStride, int kRows>
  static __device__ __forceinline__ void copy(const char* source, int64 stride, int count, uint32 destination) {
    constexpr int kChunks = kWidth / 8;
#pragma unroll 4
    for (int i = threadIdx.x; i < kRows * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      copy_16_async<CopyPath::kL2Only>(destination + row * kRowStride + chunk * 16, source + row * stride + chunk * 16,
                                       row < count ? 16 : 0);
    }
  }

  // The CTA's 16 * warps rows of Q.
  static __device__ __forceinline__ void copy_queries(const nsajit_dense_args& args, const Cta& cta, const Element* q,
                                                      uint32 destination) {
    constexpr int kChunks = Fields::dk / 8;
    for (int i = threadIdx.x; i < 16 * Fields::warps * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const auto at = cta.row(row);
      copy_16_async<CopyPath::kL2Only>(destination + row * kKRow + chunk * 16,
                                       q + at.query * args.q_s + at.head * args.q_h + chunk * 8, at.real ? 16 : 0);
    }
    commit_copies();
  }
};

template <class Fields>
__device__ __forceinline__ void dense_mma(const nsajit_dense_args& args, int64) {
  using Element = typename Fields::element;
  using Kernel = DenseMma<Fields>;
  constexpr int kTile = Kernel::kTile;
  extern __shared__ __align__(128) char nsajit_smem[];
  const Item item{blockIdx.z, blockIdx.y, blockIdx.x};
  const typename Kernel::Cta cta(args, item.b, item.block);
  if (cta.queries == 0) return;
  const uint32 ring = smem_address(nsajit_smem);
  const int lane = threadIdx.x % 32;
  const int first = threadIdx.x / 32 * 16;  // of the warp's rows
  const int64 row = cta.sequence.first_row + cta.first_query;

  HeadsAsRows<Fields> heads;
  Kernel::copy_queries(args, cta, locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item, row), ring);
  wait_copies<0>();
  __syncthreads();
  heads.template load_query_smem<Kernel::kKRow>(ring + first * Kernel::kKRow, lane);
  __syncthreads();

  const int64 key = cta.sequence.first_key;
  const char* const k =
      reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, key));
  const char* const v =
      reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.v), args.v_b, args.v_s, args.v_g, item, key));
  const TileSpan all = cta.seen(0, 16 * Fields::warps - 1);
  const TileSpan own = cta.seen(first, first + 15);
  const TileSpan inner = cta.whole(first, first + 15);
  const auto load = [&](int tile, int stage) {
    if (tile < all.last) {
      const uint32 destination = ring + stage * Kernel::kStage;
      const int count = cta.sequence.keys - tile * kTile;
      const int64 token = static_cast<int64>(tile) * kTile;
      Kernel::template copy<Fields::dk, Kernel::kKRow, kTile>(k + token * args.k_s * 2, args.k_s * 2, count, destination);
      Kernel::template copy<Fields::dv, Kernel::kVRow, kTile>(v + token * args.v_s * 2, args.v_s * 2, count,
                                                              destination + kTile * Kernel::kKRow);
    }
    commit_copies();
  };
  const typename Kernel::Cta::Row rows[2] = {cta.row(first + lane / 4), cta.row(first + lane / 4 + 8)};
  const RowWindow windows[2] = {cta.window(rows[0].query), cta.window(rows[1].query)};
  const float scale2 = args.scale * 1.4426950408889634f;
#pragma unroll
  for (int stage = 0; stage < Fields::stages - 1; ++stage) load(all.first + stage, stage);
  int stage = 0;
  for (int tile = all.first; tile < all.last; ++tile) {
    wait_copies<Fields::stages - 2>();
    __syncthreads();  // the tile is there, and the one before is read
    load(tile + Fields::stages - 1, stage == 0 ? Fields::stages - 1 : stage - 1);
    if (tile >= own.first && tile < own.last) {
      const int token = tile * kTile;
      const KeyBounds bounds{{windows[0].first - token, windows[1].first - token},
                             {windows[0].last - token, windows[1].last - token}};
      const uint32 keys = ring + stage * Kernel::kStage;
      heads.template attend_bounded<Kernel::kKRow, Kernel::kVRow>(keys, keys + kTile * Kernel::kKRow, bounds,
                                                                  tile < inner.first || tile >= inner.last, scale2, lane);
    }
    stage = stage + 1 == Fields::stages ? 0 : stage + 1;
  }
  wait_copies<0>();

  Element* const o = locate(static_cast<Element*>(args.o), args.o_b, args.o_s, args.o_g, item, row);
  float* const lse = args.lse == nullptr ? nullptr : locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, row);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float log2_sum = heads.finish_row(half, scale2);
    if (rows[half].real && lse != nullptr && lane % 4 == 0) {
      lse[rows[half].query * args.lse_s + rows[half].head * args.lse_h] = log2_sum * 0.6931471805599453f;
    }
    heads.store_row(half, o + rows[half].query * args.o_s + rows[half].head * args.o_h, rows[half].real, lane);
  }
}

}  // namespace nsajit::dense
