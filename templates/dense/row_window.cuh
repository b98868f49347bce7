#pragma once
// RowWindow: which keys a row of the sliding or the compressed branch sees.
//
// Fields: sliding (1, else compressed), w, l, d.

#include "common/sequence.cuh"
#include "nsajit/dense_args.h"

namespace nsajit::dense {

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
    return {0, seen_keys<Fields>(position, keys)};
  }
}

}  // namespace nsajit::dense
