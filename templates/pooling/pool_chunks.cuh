#pragma once
// Pooling by chunks: a CTA sums `chunks` chunks of d neighbouring tokens, each token read once, and adds l/d neighbouring
// chunk sums, kept in shared memory, to a compressed token. Of its chunks, l/d - 1 are read by the next CTA too.
//
// Fields: element, dk, dv, l, d, chunks, threads. The host computes the same sizes: pooling_cuda_space.cpp.

#include "pooling/pooling_span.cuh"

namespace nsajit::pooling {

template <class Fields, int kSize>
class ChunkPool {
 public:
  using Element = typename Fields::element;
  static constexpr int kWidth = kVectorWidth<Element>;
  static constexpr int kColumns = kSize / kWidth;  // vectors of a token
  static constexpr int kWindow = Fields::l / Fields::d;
  static constexpr int kTokens = Fields::chunks - kWindow + 1;  // compressed, of a CTA

  static __device__ __forceinline__ void run(const nsajit_pooling_args& args, float* sums) {
    const PoolingSpan<Element> span = find_span<Element>(args);
    const int64 begin = static_cast<int64>(blockIdx.x) * kTokens;
    const int64 left = span.tokens - begin;
    if (left <= 0) return;
    const int tokens = left < kTokens ? static_cast<int>(left) : kTokens;
    sum_chunks(span, span.first + begin, tokens + kWindow - 1, sums);
    __syncthreads();
    for (int item = threadIdx.x; item < tokens * kColumns; item += Fields::threads) {
      const int token = item / kColumns;
      const int element = (item - token * kColumns) * kWidth;
      float total[kWidth] = {};
      for (int chunk = token; chunk < token + kWindow; ++chunk) {
#pragma unroll
        for (int j = 0; j < kWidth; j += 4) {
          const float4 four = *reinterpret_cast<const float4*>(sums + chunk * kSize + element + j);
          total[j] += four.x;
          total[j + 1] += four.y;
          total[j + 2] += four.z;
          total[j + 3] += four.w;
        }
      }
      span.template store<Fields>(begin + token, element, total);
    }
  }

 private:
  // Chunks of d tokens, `first` counted in chunks too: compressed token i begins at chunk i.
  static __device__ __forceinline__ void sum_chunks(const PoolingSpan<Element>& span, int64 first, int chunks, float* sums) {
    for (int item = threadIdx.x; item < chunks * kColumns; item += Fields::threads) {
      const int chunk = item / kColumns;
      const int element = (item - chunk * kColumns) * kWidth;
      float total[kWidth] = {};
      add_tokens<Fields::d, true>(span.token((first + chunk) * Fields::d) + element, span.raw_stride, total);
#pragma unroll
      for (int j = 0; j < kWidth; j += 4) {
        *reinterpret_cast<float4*>(sums + chunk * kSize + element + j) =
            make_float4(total[j], total[j + 1], total[j + 2], total[j + 3]);
      }
    }
  }
};

template <class Fields>
__device__ __forceinline__ void pool_chunks(const nsajit_pooling_args& args, int64) {
  extern __shared__ __align__(16) float nsajit_chunk_sums[];
  if (!is_value_block(args)) {
    ChunkPool<Fields, Fields::dk>::run(args, nsajit_chunk_sums);
  } else if (args.v != nullptr) {
    ChunkPool<Fields, Fields::dv>::run(args, nsajit_chunk_sums);
  }
}

}  // namespace nsajit::pooling
