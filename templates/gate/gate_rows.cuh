#pragma once
// Gate combine: each thread takes `vectors` vectors of 16 bytes of the output, `threads` apart, and has those of all three
// branches in flight at once. A CTA holds whole (query, head) rows of one sequence. Bound by memory: 4 vectors move for each.
//
// Fields: element, dv, group, threads, vectors. The host computes the same sizes: gate_cuda_space.cpp.

#include "common/vectors.cuh"

namespace nsajit::gate {

template <class Fields>
class GateRows {
 public:
  using Element = typename Fields::element;
  static constexpr int kWidth = kVectorWidth<Element>;
  static constexpr int kColumns = Fields::dv / kWidth;  // vectors of a row
  static constexpr int kRows = Fields::threads * Fields::vectors / kColumns;

  // Queries of sequence b, and where they begin.
  __device__ __forceinline__ GateRows(const nsajit_gate_args& args, int64 b) : args_(args), b_(b) {
    start_ = args.cu_seqlens == nullptr ? 0 : args.cu_seqlens[b];
    const int64 queries = args.cu_seqlens == nullptr ? args.S : args.cu_seqlens[b + 1] - start_;
    first_ = static_cast<uint32>(blockIdx.x) * kRows;
    const int64 left = queries * args.G * Fields::group - first_;
    rows_ = left < kRows ? static_cast<int>(left) : kRows;
#pragma unroll
    for (int i = 0; i < Fields::vectors; ++i) places_[i] = locate(threadIdx.x + i * Fields::threads);
  }

  __device__ __forceinline__ bool empty() const { return rows_ <= 0; }

  __device__ __forceinline__ void combine() const {
    uint4 raw[3][Fields::vectors];
    float gates[3][Fields::vectors];
#pragma unroll
    for (int branch = 0; branch < 3; ++branch) {
      const nsajit_gate_source& source = args_.source[branch];
#pragma unroll
      for (int i = 0; i < Fields::vectors; ++i) {
        if (source.o == nullptr || !places_[i].real) continue;
        raw[branch][i] = load_16_once(output_of(source, places_[i]));
        gates[branch][i] = gate_of(source, places_[i]);
      }
    }
#pragma unroll
    for (int i = 0; i < Fields::vectors; ++i) {
      float sums[kWidth] = {};
#pragma unroll
      for (int branch = 0; branch < 3; ++branch)
        if (args_.source[branch].o != nullptr) add(sums, raw[branch][i], gates[branch][i]);
      store(places_[i], pack_vector<Element>(sums));
    }
  }

  // The bits of one branch, which may hold NaN as the others may.
  __device__ __forceinline__ void copy(const nsajit_gate_source& source) const {
    uint4 raw[Fields::vectors];
#pragma unroll
    for (int i = 0; i < Fields::vectors; ++i) {
      raw[i] = make_uint4(0, 0, 0, 0);
      if (source.o != nullptr && places_[i].real) raw[i] = load_16_once(output_of(source, places_[i]));
    }
#pragma unroll
    for (int i = 0; i < Fields::vectors; ++i) store(places_[i], raw[i]);
  }

 private:
  struct Place {
    int64 s;
    uint32 g;
    int head;
    int element;  // of the row
    bool real;
  };

  __device__ __forceinline__ Place locate(int item) const {
    const int row = item / kColumns;
    const uint32 flat = first_ + row;
    const uint32 query_group = flat / Fields::group;
    const uint32 groups = static_cast<uint32>(args_.G);
    const uint32 query = query_group / groups;
    return {start_ + query, query_group - query * groups, static_cast<int>(flat - query_group * Fields::group),
            (item - row * kColumns) * kWidth, row < rows_};
  }

  __device__ __forceinline__ const Element* output_of(const nsajit_gate_source& source, const Place& at) const {
    return static_cast<const Element*>(source.o) + b_ * source.o_b + at.s * source.o_s + at.g * source.o_g +
           at.head * source.o_h + at.element;
  }

  __device__ __forceinline__ float gate_of(const nsajit_gate_source& source, const Place& at) const {
    const int64 offset = b_ * source.gate_b + at.s * source.gate_s + at.g * source.gate_g + at.head * source.gate_h;
    if (args_.fp32_gates != 0) return load_value(static_cast<const float*>(source.gate) + offset);
    return load_value(static_cast<const Element*>(source.gate) + offset);
  }

  __device__ __forceinline__ static void add(float (&sums)[kWidth], const uint4& raw, float gate) {
    float values[kWidth];
    unpack_vector<Element>(raw, values);
#pragma unroll
    for (int i = 0; i < kWidth; ++i) sums[i] = fmaf(gate, values[i], sums[i]);
  }

  __device__ __forceinline__ void store(const Place& at, const uint4& raw) const {
    if (!at.real) return;
    Element* const o = static_cast<Element*>(args_.o) + b_ * args_.o_b + at.s * args_.o_s + at.g * args_.o_g +
                       at.head * args_.o_h + at.element;
    *reinterpret_cast<uint4*>(o) = raw;
  }

  const nsajit_gate_args& args_;
  int64 b_;
  int64 start_;
  uint32 first_;  // row of the CTA in its sequence
  int rows_;
  Place places_[Fields::vectors];
};

template <class Fields>
__device__ __forceinline__ void gate_rows(const nsajit_gate_args& args, int64) {
  const GateRows<Fields> rows(args, blockIdx.y);
  if (rows.empty()) return;
  if (args.forced >= 0) {
    rows.copy(args.source[args.forced]);
  } else {
    rows.combine();
  }
}

}  // namespace nsajit::gate
