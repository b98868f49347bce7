#pragma once
// Tiles of a cache: consecutive tokens of one sequence and group, contiguous or in pages, copied by one warp.

#include "common/async_copy.cuh"
#include "common/warp.cuh"
#include "nsajit/decode_args.h"

namespace nsajit::decode {

// The cache of one (b, g). Byte strides.
struct CacheRows {
  const char* k;
  const char* v;
  int64 k_row, v_row;
  int64 k_page, v_page;
  const int* table;  // of the sequence; nullptr: all of it lies in page 0
  int page;          // rows of one

  // page: of args.page tokens, rows.
  template <class Element>
  static __device__ __forceinline__ CacheRows make(const nsajit_decode_args& args, const nsajit_decode_cache& cache, int64 b,
                                                   int64 g, int page) {
    constexpr int64 kSize = sizeof(Element);
    const bool paged = args.block_table != nullptr;
    const Element* const k = static_cast<const Element*>(cache.k) + g * cache.k_g + (paged ? 0 : b * cache.k_b);
    const Element* const v = static_cast<const Element*>(cache.v) + g * cache.v_g + (paged ? 0 : b * cache.v_b);
    return {reinterpret_cast<const char*>(k), reinterpret_cast<const char*>(v), cache.k_s * kSize, cache.v_s * kSize,
            cache.k_b * kSize, cache.v_b * kSize, paged ? args.block_table + b * args.table_b : nullptr, page};
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
};

// kKeys rows of K, then as many of V, to shared memory; rows from `count` on become zero and are not read.
template <int kKeys, int kKWidth, int kVWidth>
struct TileCopy {
  static constexpr int kKRow = kKWidth * 2 + 16;  // odd multiples of 16 bytes: ldmatrix without bank conflicts
  static constexpr int kVRow = kVWidth * 2 + 16;
  static constexpr int kBytes = kKeys * (kKRow + kVRow);

  // Each lane finds one row for all; those that are not there take the first one's place.
  static __device__ __forceinline__ void copy(const CacheRows& cache, int token, int count, uint32 destination, int lane) {
    CacheRows::Place at{0, 0};
    if (count > 0) at = cache.find(token + (lane % kKeys < count ? lane % kKeys : 0));
    const uint64 k = reinterpret_cast<uint64>(cache.k + at.page * cache.k_page + at.row * cache.k_row);
    const uint64 v = reinterpret_cast<uint64>(cache.v + at.page * cache.v_page + at.row * cache.v_row);
    copy_rows<kKWidth, kKRow>(k, count, destination, lane);
    copy_rows<kVWidth, kVRow>(v, count, destination + kKeys * kKRow, lane);
  }

 private:
  using uint64 = unsigned long long;

  // address: of row lane % kKeys.
  template <int kWidth, int kRow>
  static __device__ __forceinline__ void copy_rows(uint64 address, int count, uint32 destination, int lane) {
    constexpr int kChunks = kWidth / 8;
    static_assert(kKeys * kChunks % 32 == 0, "every lane has as many chunks");
#pragma unroll
    for (int base = 0; base < kKeys * kChunks; base += 32) {
      const int row = (base + lane) / kChunks;
      const int chunk = (base + lane) % kChunks;
      const char* const from = reinterpret_cast<const char*>(__shfl_sync(kAllLanes, address, row)) + chunk * 16;
      copy_16_async<CopyPath::kL2Only>(destination + row * kRow + chunk * 16, from, row < count ? 16 : 0);
    }
  }
};

}  // namespace nsajit::decode
