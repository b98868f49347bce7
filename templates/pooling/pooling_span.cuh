#pragma once
// PoolingSpan: K or V of one group of one sequence, as the pooling kernels see it. blockIdx.y counts the groups of K, then
// those of V; blockIdx.z the sequences.

#include "common/vectors.cuh"

namespace nsajit::pooling {

template <class Element>
struct PoolingSpan {
  const Element* raw;  // token 0 of the sequence
  Element* pooled;     // the first compressed token of the launch
  int64 raw_stride;
  int64 pooled_stride;
  int64 first;   // the first compressed token of the launch
  int64 tokens;  // compressed tokens of the launch

  __device__ __forceinline__ const Element* token(int64 i) const { return raw + i * raw_stride; }

  // One vector of compressed token `i` of the launch: sums of l tokens.
  template <class Fields>
  __device__ __forceinline__ void store(int64 i, int element, float (&sums)[kVectorWidth<Element>]) const {
#pragma unroll
    for (int j = 0; j < kVectorWidth<Element>; ++j) sums[j] *= 1.0f / Fields::l;
    *reinterpret_cast<uint4*>(pooled + i * pooled_stride + element) = pack_vector<Element>(sums);
  }
};

__device__ __forceinline__ bool is_value_block(const nsajit_pooling_args& args) { return blockIdx.y >= args.G; }

template <class Element>
__device__ __forceinline__ PoolingSpan<Element> find_span(const nsajit_pooling_args& args) {
  const bool values = is_value_block(args);
  const int64 b = blockIdx.z;
  const int64 g = blockIdx.y - (values ? args.G : 0);
  const int64 raw_start = args.cu_seqlens == nullptr ? 0 : args.cu_seqlens[b];
  const int64 pooled_start = args.cu_keys == nullptr ? 0 : args.cu_keys[b];
  const int64 raw_s = values ? args.v_s : args.k_s;
  const int64 pooled_s = values ? args.v_cmp_s : args.k_cmp_s;
  const auto* raw = static_cast<const Element*>(values ? args.v : args.k);
  auto* pooled = static_cast<Element*>(values ? args.v_cmp : args.k_cmp);
  raw += b * (values ? args.v_b : args.k_b) + g * (values ? args.v_g : args.k_g) + raw_start * raw_s;
  pooled += b * (values ? args.v_cmp_b : args.k_cmp_b) + g * (values ? args.v_cmp_g : args.k_cmp_g) + pooled_start * pooled_s;
  const int64 last = args.cu_keys == nullptr ? args.S_c : args.cu_keys[b + 1] - pooled_start;
  return {raw, pooled, raw_s, pooled_s, args.first, last - args.first};
}

// Adds `kCount` tokens from `from` on to `sums`.
template <int kCount, bool kReadOnce, class Element>
__device__ __forceinline__ void add_tokens(const Element* from, int64 stride, float (&sums)[kVectorWidth<Element>]) {
#pragma unroll 8
  for (int i = 0; i < kCount; ++i) {
    float values[kVectorWidth<Element>];
    unpack_vector<Element>(kReadOnce ? load_16_once(from + i * stride) : load_16(from + i * stride), values);
#pragma unroll
    for (int j = 0; j < kVectorWidth<Element>; ++j) sums[j] += values[j];
  }
}

}  // namespace nsajit::pooling
