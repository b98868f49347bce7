#pragma once
// ChoiceMemory: what both ways to choose blocks have in shared memory: the ring of probabilities, with the softmax sums of the
// warps in its place before it is used, and the log-sum-exp of each column.

#include "scoring/block_ring.cuh"

namespace nsajit::scoring {

template <class Fields, int kTile, int kWarps>
struct ChoiceMemory {
  using Columns = QueryColumns<Fields>;
  using Queries = CtaQueries<Fields, Columns::kQueries>;
  using Ring = BlockRing<Fields, kTile, kWarps>;
  static constexpr int kSumBytes = larger(Ring::kBytes, kWarps* Columns::kColumns * 8);
  static constexpr int kBytes = kSumBytes + Columns::kColumns * 4;

  const nsajit_scoring_args& args;
  const Queries& queries;
  Ring ring;
  float* lse;  // [column], of 2^x, negative

  __device__ __forceinline__ ChoiceMemory(const nsajit_scoring_args& arguments, const Queries& cta_queries, char* shared)
      : args(arguments),
        queries(cta_queries),
        ring{reinterpret_cast<float*>(shared)},
        lse(reinterpret_cast<float*>(shared + kSumBytes)) {}
};

}  // namespace nsajit::scoring
