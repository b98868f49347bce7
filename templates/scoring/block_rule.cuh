#pragma once
// BlockRule: which of a query's blocks are in without a score, and which the scores choose among. Block 0, the local one and the
// one before it are always in.

#include "common/types.cuh"

namespace nsajit::scoring {

struct BlockRule {
  int local;  // block of the query's position

  // Blocks 1 .. this - 1 are chosen by their scores.
  __device__ __forceinline__ int candidates_end() const { return max(local - 1, 1); }
  // Of the n blocks, those at the end that are always in: the local one and the one before.
  __device__ __forceinline__ int tail(int n) const { return (local > 0 && n > 1 ? 1 : 0) + (local > 1 && n > 2 ? 1 : 0); }
  __device__ __forceinline__ int wanted(int n) const { return n - 1 - tail(n); }
};

}  // namespace nsajit::scoring
