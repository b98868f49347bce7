#pragma once
// Dense attention over a window of keys per row, by warps with mma.sync (SM 80 and up): as dense_wgmma.cuh, a warp holds 16
// consecutive (query, head) rows and all warps of the CTA read each tile of keys from a shared ring.
//
// Fields: those of dense_tiles.cuh, keys (= tile), warps, q_registers (0: Q stays in shared memory, where wide outputs take the
// registers). The host computes the same sizes: dense_cuda_space.cpp.

#include "common/heads_as_rows.cuh"
#include "dense/dense_tiles.cuh"

namespace nsajit::dense {

template <class Fields>
struct DenseMma {
  using Tiles = DenseTiles<Fields, Fields::warps, 16>;
  using Element = typename Fields::element;
  using Cta = typename Tiles::Cta;
  static constexpr int kThreads = Tiles::kThreads;
  static constexpr int kKRow = Tiles::kKRow;
  static constexpr int kQueries = Fields::q_registers ? 0 : Tiles::kRing;  // read before the ring is used, or behind it

  // The CTA's 16 * warps rows of Q.
  static __device__ __forceinline__ void copy_queries(const nsajit_dense_args& args, const Cta& cta, const Element* q,
                                                      uint32 destination) {
    constexpr int kChunks = Fields::dk / 8;
    for (int i = threadIdx.x; i < 16 * Fields::warps * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const auto at = cta.row(row);
      copy_16_async<CopyPath::kL2Only>(destination + row * kKRow + chunk * 16,
                                       Tiles::row_of(q, at, args.q_s, args.q_h) + chunk * 8, at.real ? 16 : 0);
    }
    commit_copies();
  }
};

template <class Fields>
__device__ __forceinline__ void dense_mma(const nsajit_dense_args& args, int64) {
  using Element = typename Fields::element;
  using Kernel = DenseMma<Fields>;
  using Tiles = typename Kernel::Tiles;
  using Cta = typename Tiles::Cta;
  extern __shared__ __align__(128) char nsajit_smem[];
  const Item item{blockIdx.z, blockIdx.y, blockIdx.x};
  const Cta cta(args, item.b, item.block);
  if (cta.queries == 0) return;
  const uint32 ring = smem_address(nsajit_smem);
  const int lane = threadIdx.x % 32;
  const int first = threadIdx.x / 32 * 16;  // of the warp's rows
  const int64 row = cta.sequence.first_row + cta.first_query;

  HeadsAsRows<Fields, Fields::q_registers != 0> heads;
  Kernel::copy_queries(args, cta, locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item, row),
                       ring + Kernel::kQueries);
  wait_copies<0>();
  __syncthreads();
  heads.template load_query_smem<Tiles::kKRow>(ring + Kernel::kQueries + first * Tiles::kKRow, lane);
  __syncthreads();

  const typename Cta::Row rows[2] = {cta.row(first + lane / 4), cta.row(first + lane / 4 + 8)};
  const RowWindow windows[2] = {cta.window(rows[0].query), cta.window(rows[1].query)};
  const float scale2 = args.scale * 1.4426950408889634f;
  Tiles{args, item, cta, ring}.walk([&](uint32 keys, uint32 values, int token, bool masked) {
    const KeyBounds bounds{{windows[0].first - token, windows[1].first - token}, {windows[0].last - token, windows[1].last - token}};
    heads.template attend_bounded<Tiles::kKRow, Tiles::kVRow>(keys, values, bounds, masked, scale2, lane);
  });

  Element* const o = locate(static_cast<Element*>(args.o), args.o_b, args.o_s, args.o_g, item, row);
  float* const lse = args.lse == nullptr ? nullptr : locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, row);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float log2_sum = heads.finish_row(half, scale2);
    if (rows[half].real && lse != nullptr && lane % 4 == 0) {
      *Tiles::row_of(lse, rows[half], args.lse_s, args.lse_h) = log2_sum * 0.6931471805599453f;
    }
    heads.store_row(half, Tiles::row_of(o, rows[half], args.o_s, args.o_h), rows[half].real, lane);
  }
}

}  // namespace nsajit::dense
