#pragma once
// Tiles of a cache: consecutive tokens of one sequence and group, contiguous or in pages, copied by one warp: a row at a time
// by the copy engine (SM 90 and up), or 16 bytes at a time by all lanes.

#include "common/async_copy.cuh"
#include "common/bulk_copy.cuh"
#include "common/shared.cuh"
#include "common/warp.cuh"
#include "nsajit/decode_args.h"

namespace nsajit::decode {

__host__ __device__ constexpr int common_multiple(int a, int b) {
  int multiple = a;
  while (multiple % b != 0) multiple += a;
  return multiple;
}

// The cache of one (b, g). Byte strides.
struct CacheRows {
  const char* k;
  const char* v;
  int64 k_row, v_row;
  int64 k_page, v_page;
  const int* table;  // of the sequence; nullptr: all of it lies in page 0
  int page;          // rows of one

  template <class Element>
  static __device__ __forceinline__ CacheRows make(const nsajit_decode_args& args, const nsajit_decode_cache& cache, int64 b,
                                                   int64 g, int page) {
    constexpr int64 kSize = sizeof(Element);
    const bool paged = args.block_table != nullptr;
    const Element* const k = static_cast<const Element*>(cache.k) + g * cache.k_g + (paged ? 0 : b * cache.k_b);
    const Element* const v = static_cast<const Element*>(cache.v) + g * cache.v_g + (paged ? 0 : b * cache.v_b);
    return {reinterpret_cast<const char*>(k),
            reinterpret_cast<const char*>(v),
            cache.k_s * kSize,
            cache.v_s * kSize,
            cache.k_b * kSize,
            cache.v_b * kSize,
            paged ? args.block_table + b * args.table_b : nullptr,
            page};
  }

  struct Place {
    int64 page;
    int64 row;
  };
  __device__ __forceinline__ Place find(uint32 token) const {
    if (table == nullptr) return {0, token};
    const uint32 nth = token / static_cast<uint32>(page);
    return {table[nth], token - nth * page};
  }
  __device__ __forceinline__ const char* key(uint32 token) const {
    const Place at = find(token);
    return k + at.page * k_page + at.row * k_row;
  }
  __device__ __forceinline__ const char* value(uint32 token) const {
    const Place at = find(token);
    return v + at.page * v_page + at.row * v_row;
  }
};

// kKeys rows of K, then as many of V, to shared memory. Rows from `count` on are not read.
template <int kKeys, int kKWidth, int kVWidth>
struct TileCopy {
  static constexpr int kKRow = kKWidth * 2 + 16;  // odd multiples of 16 bytes: ldmatrix without bank conflicts
  static constexpr int kVRow = kVWidth * 2 + 16;
  static constexpr int kBytes = kKeys * (kKRow + kVRow);

  // Completes on `barrier`, which expects one arrival. Values that are not there become zero; keys stay what they were: their
  // scores are masked. The warp has read the destination, and whoever else wrote there or read.
  static __device__ __forceinline__ void copy_bulk(const CacheRows& rows, int token, int count, uint32 destination,
                                                   uint32 barrier, int lane) {
    const int there = max(count, 0);
    fence_bulk_copies();
    if (lane == 0) barrier_expect(barrier, there * (kKWidth + kVWidth) * 2);
    __syncwarp();
#pragma unroll
    for (int base = 0; base < 2 * kKeys; base += 32) {
      const int row = (base + lane) % kKeys;
      const bool of_keys = base + lane < kKeys;
      if (row < there) {
        const uint32 to = destination + (of_keys ? row * kKRow : kKeys * kKRow + row * kVRow);
        const char* const from = of_keys ? rows.key(token + row) : rows.value(token + row);
        copy_bulk_async(to, from, (of_keys ? kKWidth : kVWidth) * 2, barrier);
      } else if (!of_keys) {
        clear_row(destination + kKeys * kKRow + row * kVRow);
      }
    }
  }

  // All of one commit group. What is not there becomes zero.
  static __device__ __forceinline__ void copy_chunks(const CacheRows& rows, int token, int count, uint32 destination, int lane) {
    if (rows.table == nullptr) {
      copy_dense<kKWidth, kKRow>(rows.k + token * rows.k_row, rows.k_row, count, destination, lane);
      copy_dense<kVWidth, kVRow>(rows.v + token * rows.v_row, rows.v_row, count, destination + kKeys * kKRow, lane);
    } else {
      copy_paged<kKWidth, kKRow>(count, destination, lane, [&](int row) { return row < count ? rows.key(token + row) : rows.k; });
      copy_paged<kVWidth, kVRow>(count, destination + kKeys * kKRow, lane,
                                 [&](int row) { return row < count ? rows.value(token + row) : rows.v; });
    }
  }

 private:
  static __device__ __forceinline__ void clear_row(uint32 row) {
#pragma unroll 1
    for (int i = 0; i < kVWidth * 2; i += 16) store_shared_4(row + i, make_float4(0.0f, 0.0f, 0.0f, 0.0f));
  }

  // A lane's chunks of 16 bytes have few places in a row, which come again every kRows rows.
  template <int kWidth, int kRow>
  static __device__ __forceinline__ void copy_dense(const char* from, int64 stride, int count, uint32 destination, int lane) {
    constexpr int kChunks = kWidth / 8;
    constexpr int kSteps = common_multiple(kChunks, 32) / 32;
    constexpr int kRows = kSteps * 32 / kChunks;
    static_assert(kKeys % kRows == 0, "every lane has as many chunks");
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const int first = (step * 32 + lane) / kChunks;
      const int chunk = (step * 32 + lane) % kChunks;
      const char* source = from + first * stride + chunk * 16;
#pragma unroll
      for (int row = 0; row < kKeys; row += kRows, source += kRows * stride)
        copy_16_async<CopyPath::kL2Only>(destination + (first + row) * kRow + chunk * 16, source, first + row < count ? 16 : 0);
    }
  }

  template <int kWidth, int kRow, class Source>
  static __device__ __forceinline__ void copy_paged(int count, uint32 destination, int lane, Source&& source) {
    constexpr int kChunks = kWidth / 8;
#pragma unroll 1
    for (int base = 0; base < kKeys * kChunks; base += 32) {
      const int row = (base + lane) / kChunks;
      const int chunk = (base + lane) % kChunks;
      copy_16_async<CopyPath::kL2Only>(destination + row * kRow + chunk * 16, source(row) + chunk * 16, row < count ? 16 : 0);
    }
  }
};

}  // namespace nsajit::decode
