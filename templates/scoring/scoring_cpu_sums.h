#pragma once
// Sums of probabilities on the CPU: a tile's scores to probabilities, added over the heads of a query (Eq. 8 and 10).
// Freestanding.

#include "templates/common/cpu_scores.h"

namespace nsajit::cpu {

template <int W, class Row>
struct KeySums : ScoreMath<W, Row> {
  using Base = ScoreMath<W, Row>;
  using L = Lanes<W>;
  using Vec = typename L::Vec;

  // Sums of exponentials to their inverses.
  NSAJIT_INLINE void invert_sums(const Row& row) {
    for (int group = 0; group < Base::head_groups(row); ++group) {
      const Vec sum = L::load(row.row_sum + group * W);
      const Vec whole = L::combine_phases(sum, Base::phases(), [](Vec a, Vec b) { return a + b; });
      L::store(row.row_sum + group * W, L::splat(1.0f) / whole);
    }
  }

  NSAJIT_INLINE void normalise_tile(const Row& row, int count) {
    const int p = Base::phases();
    const Vec scale = L::splat(row.args->scale);
    for (int group = 0; group < Base::head_groups(row); ++group) {
      float* scores = row.scores + group * (nsajit_field_tile / p) * W;
      const Vec top = L::load(row.row_max + group * W), inverse = L::load(row.row_sum + group * W);
      for (int i = 0; i * p < count; ++i) L::store(scores + i * W, L::exp(L::load(scores + i * W) * scale - top) * inverse);
    }
  }

  // Heads are added in the same order for every key, so that keys with equal probabilities get equal sums.
  NSAJIT_INLINE void sum_heads(const Row& row, int query, int count, float* sums) {
    const int p = Base::phases();
    for (int key = 0; key < count; ++key) {
      float sum = 0;
      for (int j = 0; j < nsajit_field_group; ++j)
        sum += row.scores[Base::head_lane(query * nsajit_field_group + j, nsajit_field_tile / p) + key / p * W + key % p];
      sums[key] = sum;
    }
  }
};

}  // namespace nsajit::cpu
