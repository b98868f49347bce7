#pragma once
// Query-major split over the tiles (SM 90 and up): a cluster of `splits` CTAs owns one query row of one KV group, each
// takes every splits-th tile, and all of them merge the partial results through each other's shared memory. For grids
// too small to fill the machine: decode, short sequences.
//
// Fields: those of query_major (queries = 1), and splits.

#include "common/cluster.cuh"
#include "selection/query_major.cuh"

namespace nsajit::selection {

// Merges what the CTAs of the cluster left in shared memory as store_partial wrote it; each one a share of the columns.
template <class Kernel, class Fields>
__device__ __forceinline__ void merge_cluster(const Row<typename Fields::element>& row, uint32 smem, int rank, float scale) {
  constexpr int kSlots = Kernel::kHeadWarps * Kernel::Heads::kHeads;
  constexpr int kParts = Fields::splits * Kernel::kKeyWarps;
  constexpr int kChunks = Fields::dv / 8;
  const float scale2 = scale * 1.4426950408889634f;
  // Part p is team p / splits of CTA p % splits.
  const auto part_of = [&](int part) { return peer_address(smem, part % Fields::splits); };
  for (int item = rank * Kernel::kThreads + threadIdx.x; item < Fields::group * kChunks;
       item += Fields::splits * Kernel::kThreads) {
    const int head = item / kChunks;
    const int column = item % kChunks * 8;
    float top = negative_infinity();
    float maxima[kParts];
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      maxima[part] = load_peer(part_of(part) + Kernel::kRing + (part / Fields::splits * kSlots + head) * 4);
      top = fmaxf(top, maxima[part]);
    }
    float sum = 0.0f;
    float o[8] = {};
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const uint32 base = part_of(part);
      const int slot = part / Fields::splits * kSlots + head;
      const float own = load_peer(base + Kernel::kRing + (Kernel::kRowWarps * Kernel::Heads::kHeads + slot) * 4);
      const float weight = own > 0.0f ? exp2_fast((maxima[part] - top) * scale2) : 0.0f;
      sum += weight * own;
      const float4 low = load_peer_4(base + (slot * Kernel::kORow + column) * 4);
      const float4 high = load_peer_4(base + (slot * Kernel::kORow + column) * 4 + 16);
      const float values[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
      for (int i = 0; i < 8; ++i) o[i] += weight * values[i];
    }
    const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) o[i] *= inverse;
    store_8(row.o + head * row.o_head + column, o);
    if (column == 0 && row.lse != nullptr)
      row.lse[head * row.lse_head] = sum > 0.0f ? top * scale + logf(sum) : negative_infinity();
  }
}

template <class Fields>
__device__ __forceinline__ void query_split(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Kernel = QueryMajor<Fields>;
  extern __shared__ __align__(128) char nsajit_smem[];
  const int rank = cluster_rank();
  const int64 s = sequence_rows(args, blockIdx.z) - 1 - (first_row + blockIdx.x / Fields::splits);
  if (s < 0) return;  // all of the cluster
  const Row<Element> row = make_row<Element>(args, blockIdx.z, blockIdx.y, s);
  Kernel::template compute<Fields::splits>(row, args.scale, nsajit_smem, rank);
  cluster_sync();
  merge_cluster<Kernel, Fields>(row, smem_address(nsajit_smem), rank, args.scale);
  cluster_sync();  // nobody's memory goes while it is read
}

}  // namespace nsajit::selection
