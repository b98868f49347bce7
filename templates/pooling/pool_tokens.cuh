#pragma once
// Pooling token by token: a thread sums the l raw tokens of one vector of one compressed token. A raw token is read l/d
// times, by neighbours: mostly from cache. Serves every l and d; with a fixed config it is the baseline.
//
// Fields: element, dk, dv, l, d, threads. The host computes the same sizes: pooling_cuda_space.cpp.

#include "pooling/pooling_span.cuh"

namespace nsajit::pooling {

template <class Fields, int kSize>
__device__ __forceinline__ void pool_tokens_of(const nsajit_pooling_args& args) {
  using Element = typename Fields::element;
  constexpr int kWidth = kVectorWidth<Element>;
  constexpr int kColumns = kSize / kWidth;
  constexpr int kTokens = Fields::threads * kWidth / larger(Fields::dk, Fields::dv);  // of a CTA, for K and V alike
  const PoolingSpan<Element> span = find_span<Element>(args);
  const int token = threadIdx.x / kColumns;
  const int64 i = static_cast<int64>(blockIdx.x) * kTokens + token;
  if (token >= kTokens || i >= span.tokens) return;
  const int element = (threadIdx.x - token * kColumns) * kWidth;
  float sums[kWidth] = {};
  add_tokens<Fields::l, false>(span.token((span.first + i) * Fields::d) + element, span.raw_stride, sums);
  span.template store<Fields>(i, element, sums);
}

template <class Fields>
__device__ __forceinline__ void pool_tokens(const nsajit_pooling_args& args, int64) {
  if (!is_value_block(args)) {
    pool_tokens_of<Fields, Fields::dk>(args);
  } else if (args.v != nullptr) {
    pool_tokens_of<Fields, Fields::dv>(args);
  }
}

}  // namespace nsajit::pooling
