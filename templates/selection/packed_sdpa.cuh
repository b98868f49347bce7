#pragma once
// Packed SDPA: the baseline that every selection kernel is compared with and the fallback that host apps know.
// Gathers each row's selected K and V into dense [rows, max_tokens, d] arrays, then runs dense attention on
// them, in chunks of rows that fit the workspace. Rows of unequal length share a launch: each keeps its own.
//
// Workspace of a chunk of up to `chunk_rows` rows: K, V, then one (0, tokens) pair per row.
// Rows are numbered (b, g, s), s fastest. A row selects at most max_tokens tokens; what is beyond is not packed.
//
// Fields: those of query_major, and max_tokens, chunk_rows.

#include "selection/query_major.cuh"

namespace nsajit::selection {

// The dense pass reads ranges, whatever the caller's entries are.
template <class Fields>
struct DenseFields : Fields { static constexpr int block = 0; };

template <class Fields>
struct PackedChunk {
  using Element = typename Fields::element;
  Element* k;
  Element* v;
  int* ranges;

  int64 rows;      // of this chunk; the last may be short

  __device__ __forceinline__ PackedChunk(const nsajit_selection_args& args, int64 first_row) {
    const int64 left = args.B * args.G * args.S - first_row;
    rows = left < Fields::chunk_rows ? left : Fields::chunk_rows;
    k = static_cast<Element*>(args.workspace);
    v = k + rows * Fields::max_tokens * Fields::dk;
    ranges = reinterpret_cast<int*>(v + rows * Fields::max_tokens * Fields::dv);
  }
};

struct RowNumber {
  int64 b, g, s;
  __device__ __forceinline__ RowNumber(const nsajit_selection_args& args, int64 row)
      : b(row / args.S / args.G), g(row / args.S % args.G), s(row % args.S) {}
};

// Copies `count` rows of kWidth elements from strided to dense, one warp, 16 bytes a lane.
template <int kWidth, class Element>
__device__ __forceinline__ void pack_rows(Element* destination, const Element* source, int64 stride, int count, int lane) {
  constexpr int kEach = 16 / sizeof(Element);
  constexpr int kChunks = kWidth / kEach;
  const int total = count * kChunks;
#pragma unroll 4
  for (int i = lane; i < total; i += 32) {
    const int row = i / kChunks;
    const int column = i % kChunks * kEach;
    const uint4 value = *reinterpret_cast<const uint4*>(source + row * stride + column);
    *reinterpret_cast<uint4*>(destination + row * kWidth + column) = value;
  }
}

// One CTA packs one row; each warp takes every warps-th tile of 16 tokens.
template <class Fields>
__device__ __forceinline__ void pack_selected(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  constexpr int kTile = 16;
  const int64 slot = blockIdx.x;
  const PackedChunk<Fields> chunk(args, first_row);
  if (slot >= chunk.rows) return;
  const RowNumber at(args, first_row + slot);
  if (at.s >= sequence_rows(args, at.b)) return;
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int warps = blockDim.x / 32;
  const Row<Element> row = make_row<Element>(args, at.b, at.g, at.s);
  const Element* const k = reinterpret_cast<const Element*>(row.k);
  const Element* const v = reinterpret_cast<const Element*>(row.v);
  RowTiles<kTile, Fields::block> tiles(row.entries, row.n, row.limit, warp, warps);
  for (Tile tile = tiles.next(); tile.count > 0; tile = tiles.next()) {
    const int count = min(tile.count, Fields::max_tokens - tile.packed);
    if (count <= 0) break;
    const int64 packed = slot * Fields::max_tokens + tile.packed;
    pack_rows<Fields::dk>(chunk.k + packed * Fields::dk, k + tile.token * args.k_s, args.k_s, count, lane);
    pack_rows<Fields::dv>(chunk.v + packed * Fields::dv, v + tile.token * args.v_s, args.v_s, count, lane);
  }
  if (warp == 0) {
    const int tokens = RowTiles<kTile, Fields::block>(row.entries, row.n, row.limit, 0, 1).count_tokens();
    if (lane == 0) {
      chunk.ranges[2 * slot] = 0;
      chunk.ranges[2 * slot + 1] = min(tokens, Fields::max_tokens);
    }
  }
}

// Dense attention of the packed rows of a chunk.
template <class Fields>
__device__ __forceinline__ void attend_packed(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Kernel = QueryMajor<DenseFields<Fields>>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const int64 slot = static_cast<int64>(blockIdx.x) * Fields::queries + threadIdx.x / (32 * Kernel::kRowWarps);
  const PackedChunk<Fields> chunk(args, first_row);
  if (slot >= chunk.rows) return;
  const RowNumber at(args, first_row + slot);
  if (at.s >= sequence_rows(args, at.b)) return;
  Row<Element> row = make_row<Element>(args, at.b, at.g, at.s);
  row.k = reinterpret_cast<const char*>(chunk.k + slot * Fields::max_tokens * Fields::dk);
  row.v = reinterpret_cast<const char*>(chunk.v + slot * Fields::max_tokens * Fields::dv);
  row.k_stride = Fields::dk * static_cast<int64>(sizeof(Element));
  row.v_stride = Fields::dv * static_cast<int64>(sizeof(Element));
  row.entries = chunk.ranges + 2 * slot;
  row.n = 1;
  row.limit = Fields::max_tokens;
  Kernel::run(row, args.scale, nsajit_smem);
}

}  // namespace nsajit::selection
