#pragma once
// Dense attention over a window of keys per row in fp32, on the plain arithmetic units: as dense_mma.cuh, but a warp holds 8
// consecutive (query, head) rows, whose Q stays in shared memory.
//
// Fields: those of dense_tiles.cuh, keys (= tile), heads (8: rows of a warp), warps. The host computes the same sizes:
// dense_cuda_space.cpp.

#include "common/heads_as_lanes.cuh"
#include "dense/dense_tiles.cuh"

namespace nsajit::dense {

template <class Fields>
__device__ __forceinline__ void dense_fp32(const nsajit_dense_args& args, int64) {
  using Heads = HeadsAsLanes<Fields>;
  constexpr int kRows = Heads::kHeads;
  using Tiles = DenseTiles<Fields, Fields::warps, kRows>;
  using Cta = typename Tiles::Cta;
  extern __shared__ __align__(128) char nsajit_smem[];
  const Item item{blockIdx.z, blockIdx.y, blockIdx.x};
  const Cta cta(args, item.b, item.block);
  if (cta.queries == 0) return;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int first = warp * kRows;  // of the warp's rows
  const int64 row = cta.sequence.first_row + cta.first_query;

  Heads heads;
  heads.set_scratch(nsajit_smem + Tiles::kRing + warp * Heads::kScratchBytes);
  const float* const q = locate(static_cast<const float*>(args.q), args.q_b, args.q_s, args.q_g, item, row);
  heads.load_queries(lane, [&](int nth) {
    const auto at = cta.row(first + nth);
    return at.real ? Tiles::row_of(q, at, args.q_s, args.q_h) : nullptr;
  });
  const RowWindow window = cta.window(cta.row(first + lane % kRows).query);  // of the lane's row
  const float scale2 = args.scale * 1.4426950408889634f;
  Tiles{args, item, cta, smem_address(nsajit_smem)}.walk([&](uint32 keys, uint32 values, int token, bool masked) {
    heads.template attend_bounded<Tiles::kKRow, Tiles::kVRow>(keys, values, window.first - token, window.last - token, masked,
                                                              scale2, lane);
  });

  float* const o = locate(static_cast<float*>(args.o), args.o_b, args.o_s, args.o_g, item, row);
  float* const lse = args.lse == nullptr ? nullptr : locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, row);
#pragma unroll
  for (int nth = 0; nth < kRows; ++nth) {
    const auto at = cta.row(first + nth);
    const float log2_sum = heads.finish_head(nth, scale2);
    if (!at.real) continue;
    if (lse != nullptr && lane == 0) *Tiles::row_of(lse, at, args.lse_s, args.lse_h) = log2_sum * 0.6931471805599453f;
    heads.store_head(nth, Tiles::row_of(o, at, args.o_s, args.o_h), lane);
  }
}

}  // namespace nsajit::dense
