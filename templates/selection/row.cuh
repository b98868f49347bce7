#pragma once
// Row: one query row of a launch, resolved from strides, and what every variant does at its end: merging partial
// results of disjoint sets of keys into O and LSE.

#include "common/types.cuh"
#include "nsajit/selection_args.h"

namespace nsajit::selection {

// Byte strides for the copies, element strides for the rest.
template <class Element>
struct Row {
  const char* k = nullptr;
  const char* v = nullptr;
  int64 k_stride = 0;
  int64 v_stride = 0;
  const Element* q = nullptr;
  int64 q_head = 0;
  Element* o = nullptr;
  int64 o_head = 0;
  float* lse = nullptr;      // nullptr: not wanted
  int64 lse_head = 0;
  const int* entries = nullptr;
  int n = 0;
  int limit = 0;             // tokens that the row may see
};

// Packed sequences (args.cu_seqlens) have lengths of their own; a launch covers args.S rows of each.
__device__ __forceinline__ int64 sequence_start(const nsajit_selection_args& args, int64 b) {
  return args.cu_seqlens == nullptr ? 0 : args.cu_seqlens[b];
}
__device__ __forceinline__ int64 sequence_rows(const nsajit_selection_args& args, int64 b) {
  return args.cu_seqlens == nullptr ? args.S : args.cu_seqlens[b + 1] - args.cu_seqlens[b];
}
__device__ __forceinline__ int64 sequence_keys(const nsajit_selection_args& args, int64 b) {
  return args.S_kv - args.S + sequence_rows(args, b);
}

// Requires: s < sequence_rows(args, b), or that only k and v are used.
template <class Element>
__device__ __forceinline__ Row<Element> make_row(const nsajit_selection_args& args, int64 b, int64 g, int64 s) {
  Row<Element> row;
  const int64 start = sequence_start(args, b);
  const int64 at = start + s;
  row.k = reinterpret_cast<const char*>(static_cast<const Element*>(args.k) + b * args.k_b + start * args.k_s + g * args.k_g);
  row.v = reinterpret_cast<const char*>(static_cast<const Element*>(args.v) + b * args.v_b + start * args.v_s + g * args.v_g);
  row.k_stride = args.k_s * static_cast<int64>(sizeof(Element));
  row.v_stride = args.v_s * static_cast<int64>(sizeof(Element));
  row.q = static_cast<const Element*>(args.q) + b * args.q_b + at * args.q_s + g * args.q_g;
  row.q_head = args.q_h;
  row.o = static_cast<Element*>(args.o) + b * args.o_b + at * args.o_s + g * args.o_g;
  row.o_head = args.o_h;
  if (args.lse != nullptr) row.lse = args.lse + b * args.lse_b + at * args.lse_s + g * args.lse_g;
  row.lse_head = args.lse_h;
  row.entries = args.sel + b * args.sel_b + at * args.sel_s + g * args.sel_g;
  row.n = args.n;
  row.limit = static_cast<int>(args.S_kv - args.S + s + 1);
  return row;
}

// Entry `entry` as tokens [start, end) that the row may see. kBlock as in RowTiles.
template <int kBlock, class Element>
__device__ __forceinline__ void read_entry(const Row<Element>& row, int entry, int& start, int& end) {
  if constexpr (kBlock == 0) {
    start = max(row.entries[2 * entry], 0);
    end = min(row.entries[2 * entry + 1], row.limit);
  } else {
    const int block = row.entries[entry];
    const bool valid = block >= 0 && block < ceil_div(row.limit, kBlock);
    start = valid ? block * kBlock : 0;
    end = valid ? min(start + kBlock, row.limit) : 0;
  }
}

// Eight neighbouring elements, rounded; 16-byte aligned.
template <class Element>
__device__ __forceinline__ void store_8(Element* to, const float (&x)[8]) {
  *reinterpret_cast<uint4*>(to) = make_uint4(pack2<Element>(x[0], x[1]), pack2<Element>(x[2], x[3]), pack2<Element>(x[4], x[5]),
                                             pack2<Element>(x[6], x[7]));
}
__device__ __forceinline__ void store_8(float* to, const float (&x)[8]) {
  reinterpret_cast<float4*>(to)[0] = make_float4(x[0], x[1], x[2], x[3]);
  reinterpret_cast<float4*>(to)[1] = make_float4(x[4], x[5], x[6], x[7]);
}

// Floats from one head's partial O to the next: keeps the fragments' stores free of bank conflicts.
__host__ __device__ constexpr int partial_row(int dv) { return dv + 8; }

// Part p of head j lies in slot p * kSlots + j: O not normalised, maximum of the raw scores, sum relative to it.
// Weighs the parts by their maxima, normalises, stores O and LSE. A row without keys becomes 0 and -inf.
template <class Element, int kGroup, int kDv, int kSlots, int kParts>
__device__ __forceinline__ void merge_partials(const Row<Element>& row, const float* partials, const float* maxima, const float* sums,
                                               int thread, int threads, float scale) {
  const float scale2 = scale * 1.4426950408889634f;
  for (int item = thread; item < kGroup * (kDv / 8); item += threads) {
    const int head = item / (kDv / 8);
    const int column = item % (kDv / 8) * 8;
    float top = maxima[head];
#pragma unroll
    for (int part = 1; part < kParts; ++part) top = fmaxf(top, maxima[part * kSlots + head]);
    float sum = 0.0f;
    float o[8] = {};
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const int slot = part * kSlots + head;
      const float weight = sums[slot] > 0.0f ? exp2_fast((maxima[slot] - top) * scale2) : 0.0f;
      sum += weight * sums[slot];
      const float* const source = partials + slot * partial_row(kDv) + column;
      const float4 low = *reinterpret_cast<const float4*>(source);
      const float4 high = *reinterpret_cast<const float4*>(source + 4);
      const float values[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
      for (int i = 0; i < 8; ++i) o[i] += weight * values[i];
    }
    const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) o[i] *= inverse;
    store_8(row.o + head * row.o_head + column, o);
    if (column == 0 && row.lse != nullptr) {
      row.lse[head * row.lse_head] = sum > 0.0f ? top * scale + logf(sum) : negative_infinity();
    }
  }
}

}  // namespace nsajit::selection
