#pragma once
// DenseTiles: the tiles of K and V that a CTA's rows see, streamed by all its threads through a ring in shared memory. What the
// kernels without warpgroup instructions have in common, whatever they compute with.
//
// Fields: element, dk, dv, group, sliding, w, l, d, tile, stages.

#include "common/async_copy.cuh"
#include "common/warp.cuh"
#include "dense/dense_rows.cuh"

namespace nsajit::dense {

// kWarps warps of kWarpRows rows each.
template <class Fields, int kWarps, int kWarpRows>
class DenseTiles {
 public:
  using Element = typename Fields::element;
  using Cta = CtaRows<Fields, kWarpRows * kWarps>;
  static constexpr int kTile = Fields::tile;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kBytes = sizeof(Element);
  static constexpr int kKRow = Fields::dk * kBytes + 16;  // odd multiples of 16 bytes: read without bank conflicts
  static constexpr int kVRow = Fields::dv * kBytes + 16;
  static constexpr int kStage = kTile * (kKRow + kVRow);
  static constexpr int kRing = Fields::stages * kStage;

  const nsajit_dense_args& args;
  const Item& item;
  const Cta& cta;
  uint32 ring;

  // Calls attend(K, V, first key, masked) for the tiles in shared memory that the warp's rows see; masked: not all of them
  // see all of it. All threads call it.
  template <class Attend>
  __device__ __forceinline__ void walk(Attend&& attend) const {
    const int first = threadIdx.x / 32 * kWarpRows;  // of the warp's rows
    const TileSpan all = cta.seen(0, kWarpRows * kWarps - 1);
    const TileSpan own = cta.seen(first, first + kWarpRows - 1);
    const TileSpan inner = cta.whole(first, first + kWarpRows - 1);
    const int64 key = cta.sequence.first_key;
    const char* const k =
        reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, key));
    const char* const v =
        reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.v), args.v_b, args.v_s, args.v_g, item, key));
    const auto load = [&](int tile, int stage) {
      if (tile < all.last) {
        const uint32 destination = ring + stage * kStage;
        const int count = cta.sequence.keys - tile * kTile;
        const int64 token = static_cast<int64>(tile) * kTile;
        copy<Fields::dk, kKRow>(k + token * args.k_s * kBytes, args.k_s * kBytes, count, destination);
        copy<Fields::dv, kVRow>(v + token * args.v_s * kBytes, args.v_s * kBytes, count, destination + kTile * kKRow);
      }
      commit_copies();
    };
#pragma unroll
    for (int stage = 0; stage < Fields::stages - 1; ++stage) load(all.first + stage, stage);
    int stage = 0;
    for (int tile = all.first; tile < all.last; ++tile) {
      wait_copies<Fields::stages - 2>();
      __syncthreads();  // the tile is there, and the one before is read
      load(tile + Fields::stages - 1, stage == 0 ? Fields::stages - 1 : stage - 1);
      if (tile >= own.first && tile < own.last) {
        const uint32 keys = ring + stage * kStage;
        attend(keys, keys + kTile * kKRow, tile * kTile, tile < inner.first || tile >= inner.last);
      }
      stage = stage + 1 == Fields::stages ? 0 : stage + 1;
    }
    wait_copies<0>();
  }

  // Where a row's part of an output with these strides lies, `row_stride` and `head_stride` in elements.
  template <class Output>
  __device__ __forceinline__ static Output* row_of(Output* first, const typename Cta::Row& row, int64 row_stride,
                                                   int64 head_stride) {
    return first + row.query * row_stride + row.head * head_stride;
  }

 private:
  // kTile rows of kWidth elements, `count` of them real, by all threads.
  template <int kWidth, int kRowStride>
  static __device__ __forceinline__ void copy(const char* source, int64 stride, int count, uint32 destination) {
    constexpr int kChunks = kWidth * kBytes / 16;
#pragma unroll 4
    for (int i = threadIdx.x; i < kTile * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      copy_16_async<CopyPath::kL2Only>(destination + row * kRowStride + chunk * 16, source + row * stride + chunk * 16,
                                       row < count ? 16 : 0);
    }
  }
};

}  // namespace nsajit::dense
