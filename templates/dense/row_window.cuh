#pragma once
// RowWindow: which keys a row of the sliding or the compressed branch sees, and where its sequence lies.
//
// Fields: sliding (1, else compressed), w, l, d.

#include "common/types.cuh"
#include "nsajit/dense_args.h"

namespace nsajit::dense {

// Sequence b of a launch.
struct Sequence {
  int64 first_row;  // in q, o and lse
  int64 first_key;  // in k and v
  int64 rows;
  int keys;
  int64 position;  // of its first row
};

__device__ __forceinline__ Sequence find_sequence(const nsajit_dense_args& args, int64 b) {
  if (args.cu_seqlens == nullptr) return {0, 0, args.S, static_cast<int>(args.S_c), args.S_kv - args.S};
  return {args.cu_seqlens[b], args.cu_keys[b], args.cu_seqlens[b + 1] - args.cu_seqlens[b], args.cu_keys[b + 1] - args.cu_keys[b],
          args.S_kv - args.S};
}

// Keys [first, last); empty where last <= first.
struct RowWindow {
  int first;
  int last;
};

template <class Fields>
__device__ __forceinline__ RowWindow row_window(int64 position, int keys) {
  const int t = static_cast<int>(position);
  if constexpr (Fields::sliding) {
    return {max(0, t - Fields::w + 1), Fields::w > 0 ? min(t + 1, keys) : 0};
  } else {
    return {0, t + 1 < Fields::l ? 0 : min((t + 1 - Fields::l) / Fields::d + 1, keys)};
  }
}

}  // namespace nsajit::dense
