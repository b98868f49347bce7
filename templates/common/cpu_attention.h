#pragma once
// Attention on the CPU, of one query or of a few at once: what the templates of the branches are made of. Scores and
// softmax are those of cpu_scores.h; here the values are summed and the rows written. Freestanding.

#include "templates/common/cpu_scores.h"

namespace nsajit::cpu {

template <int W, class Row>
struct RowMath : ScoreMath<W, Row> {
  using Base = ScoreMath<W, Row>;
  using L = Lanes<W>;
  using Vec = typename L::Vec;

  NSAJIT_INLINE void begin(const Row& row) {
    Base::begin_scores(row);
    for (int i = 0; i < nsajit_field_heads * nsajit_field_dv; i += W) L::store(row.out + i, Vec{});
  }

  NSAJIT_INLINE void pack_values(const Row& row, int count) {
    Base::pack(row.packed_v, row.args->v, row.v, row.args->v_s, row.tokens, count, nsajit_field_dv);
  }

  NSAJIT_INLINE Vec value_part(const Row& row, int key, int d) {
    if (nsajit_field_pack_v) return L::load(row.packed_v + key * nsajit_field_dv + d);
    return L::load_element(row.args->v, row.v + row.tokens[key] * row.args->v_s + d, nsajit_field_element);
  }

  // out[head .. head + value_heads)[d .. d + value_vectors * W) over all keys of a tile, in registers.
  NSAJIT_INLINE void value_block(const Row& row, int first, int count, int head, int d) {
    const int p = Base::phases();
    Vec sum[32];
#pragma clang loop unroll(full)
    for (int h = 0; h < nsajit_field_value_heads; ++h) {
      const Vec rescale = L::splat(row.rescale[Base::head_lane(head + h, 1)]);
#pragma clang loop unroll(full)
      for (int i = 0; i < nsajit_field_value_vectors; ++i)
        sum[h * nsajit_field_value_vectors + i] = L::load(row.out + (head + h) * nsajit_field_dv + d + i * W) * rescale;
    }
#pragma clang loop unroll(disable)
    for (int key = 0; key < count; ++key) {
      const float* probability = row.scores + key / p * W + key % p;
      Vec value[32];
#pragma clang loop unroll(full)
      for (int i = 0; i < nsajit_field_value_vectors; ++i) value[i] = value_part(row, first + key, d + i * W);
#pragma clang loop unroll(full)
      for (int h = 0; h < nsajit_field_value_heads; ++h) {
        const Vec weight = L::splat(probability[Base::head_lane(head + h, nsajit_field_tile / p)]);
#pragma clang loop unroll(full)
        for (int i = 0; i < nsajit_field_value_vectors; ++i) sum[h * nsajit_field_value_vectors + i] += weight * value[i];
      }
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < nsajit_field_value_heads; ++h)
#pragma clang loop unroll(full)
      for (int i = 0; i < nsajit_field_value_vectors; ++i)
        L::store(row.out + (head + h) * nsajit_field_dv + d + i * W, sum[h * nsajit_field_value_vectors + i]);
  }

  NSAJIT_INLINE void accumulate_tile(const Row& row, int first, int count) {
    const int heads = nsajit_field_queries == 1 ? nsajit_field_heads : row.heads;
#pragma clang loop unroll(disable)
    for (int head = 0; head < heads; head += nsajit_field_value_heads)
#pragma clang loop unroll(disable)
      for (int d = 0; d < nsajit_field_dv; d += nsajit_field_value_vectors * W) value_block(row, first, count, head, d);
  }

  NSAJIT_INLINE void attend_tile(const Row& row, int first, int count) {
    Base::score_tile(row, first, count);
    if (nsajit_field_masked) Base::mask_tile(row, row.tokens[first], count);
    Base::exponentiate_tile(row, count);
    accumulate_tile(row, first, count);
  }

  // Whether the head's query sees a key. Requires: some query does.
  NSAJIT_INLINE int sees_keys(const Row& row, int head) {
    return !nsajit_field_masked || row.begins[Base::head_lane(head, 1)] < row.ends[Base::head_lane(head, 1)];
  }

  // Normalises and writes the rows; a row without tokens is 0, its LSE -inf.
  NSAJIT_INLINE void finish(const Row& row, int attended) {
    for (int group = 0; attended && group < Base::head_groups(row); ++group) {
      const Vec sum = L::load(row.row_sum + group * W);
      L::store(row.row_sum + group * W, L::combine_phases(sum, Base::phases(), [](Vec a, Vec b) { return a + b; }));
    }
    for (int head = 0; head < row.present * nsajit_field_group; ++head) {
      const int seen = attended && sees_keys(row, head);
      const int query = head / nsajit_field_group, j = head % nsajit_field_group;
      const float sum = seen ? row.row_sum[Base::head_lane(head, 1)] : 1.0f;
      for (int d = 0; d < nsajit_field_dv; d += W) {
        const Vec out = seen ? L::load(row.out + head * nsajit_field_dv + d) / L::splat(sum) : Vec{};
        L::store_element(row.args->o, row.o + query * row.args->o_s + j * row.args->o_h + d, out, nsajit_field_element);
      }
      if (row.args->lse)
        row.args->lse[row.lse + query * row.args->lse_s + j * row.args->lse_h] =
            seen ? row.row_max[Base::head_lane(head, 1)] + log_positive(sum) : -__builtin_inff();
    }
  }
};

}  // namespace nsajit::cpu
