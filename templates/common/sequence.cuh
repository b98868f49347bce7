#pragma once
// Sequences of a launch, and where a row of one lies in a tensor.

#include "common/types.cuh"

namespace nsajit {

// Sequence b of a launch.
struct Sequence {
  int64 first_row;  // in q and what is stored per row of it
  int64 first_key;  // in k and v
  int64 rows;
  int keys;
  int64 position;  // of its first row
};

// Args: nsajit_dense_args, or others that name their sizes alike.
template <class Args>
__device__ __forceinline__ Sequence find_sequence(const Args& args, int64 b) {
  if (args.cu_seqlens == nullptr) return {0, 0, args.S, static_cast<int>(args.S_c), args.S_kv - args.S};
  return {args.cu_seqlens[b], args.cu_keys[b], args.cu_seqlens[b + 1] - args.cu_seqlens[b], args.cu_keys[b + 1] - args.cu_keys[b],
          args.S_kv - args.S};
}

// Of `keys` compressed keys, how many the row at `position` sees. Fields: l, d.
template <class Fields>
__device__ __forceinline__ int seen_keys(int64 position, int keys) {
  const int tokens = static_cast<int>(position) + 1;
  return tokens < Fields::l ? 0 : min((tokens - Fields::l) / Fields::d + 1, keys);
}

// What a block of rows works on.
struct Item {
  int64 b;
  int64 g;
  int64 block;
};

// Where row `row` of an item's sequence and group lies in a tensor.
template <class Element>
__device__ __forceinline__ Element* locate(Element* tensor, int64 batch_stride, int64 row_stride, int64 group_stride,
                                           const Item& item, int64 row) {
  return tensor + item.b * batch_stride + row * row_stride + item.g * group_stride;
}

}  // namespace nsajit
