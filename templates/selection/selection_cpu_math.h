#pragma once
// Attention of one row, all heads of the group at once: the pieces that selection_cpu.cpp (attends in place, tile by
// tile) and packed_sdpa_cpu.cpp (packs first) are made of. A vector holds `lane_heads` heads times `phases` neighbouring
// elements of dk, so a key is broadcast, never transposed; the phases are summed once per score.

#include "templates/selection/selection_cpu_row.h"

namespace nsajit::cpu {

template <int W>
struct RowMath {
  using L = Lanes<W>;
  using Vec = typename L::Vec;
  NSAJIT_INLINE int phases() { return W / nsajit_field_lane_heads; }
  NSAJIT_INLINE int head_groups() { return nsajit_field_heads / nsajit_field_lane_heads; }

  // Queries of the group into lanes, zero for padding heads; accumulators empty.
  NSAJIT_INLINE void begin(const Row& row) {
    const int p = phases();
    for (int head = 0; head < nsajit_field_heads; ++head) {
      float* to = row.queries + head / nsajit_field_lane_heads * (nsajit_field_dk / p) * W + head % nsajit_field_lane_heads * p;
      for (int d = 0; d < nsajit_field_dk; d += W) {
        const Vec part = head < nsajit_field_group
                             ? L::load_element(row.args->q, row.q + head * row.args->q_h + d, nsajit_field_element)
                             : Vec{};
        float lanes[W];
        L::store(lanes, part);
        for (int i = 0; i < W; ++i) to[(d + i) / p * W + i % p] = lanes[i];
      }
    }
    for (int i = 0; i < nsajit_field_heads * nsajit_field_dv; i += W) L::store(row.out + i, Vec{});
    for (int i = 0; i < head_groups() * W; i += W) L::store(row.row_max + i, L::splat(-__builtin_inff()));
    for (int i = 0; i < head_groups() * W; i += W) L::store(row.row_sum + i, Vec{});
  }

  // Converts the rows of `tokens` to fp32, one after the other.
  NSAJIT_INLINE void pack(float* to, const void* from, long long base, long long stride, const int* tokens, int count, int size) {
    for (int key = 0; key < count; ++key)
      for (int d = 0; d < size; d += W)
        L::store(to + key * size + d, L::load_element(from, base + tokens[key] * stride + d, nsajit_field_element));
  }
  NSAJIT_INLINE void pack_keys(const Row& row, int count) {
    pack(row.packed_k, row.args->k, row.k, row.args->k_s, row.tokens, count, nsajit_field_dk);
  }
  NSAJIT_INLINE void pack_values(const Row& row, int count) {
    pack(row.packed_v, row.args->v, row.v, row.args->v_s, row.tokens, count, nsajit_field_dv);
  }

  // Elements [d, d + phases) of key `key`, once per head in the lanes.
  NSAJIT_INLINE Vec key_part(const Row& row, int key, int d) {
    if (nsajit_field_pack_k) return L::repeat(row.packed_k + key * nsajit_field_dk + d, phases());
    const long long at = row.k + row.tokens[key] * row.args->k_s + d;
    if (nsajit_field_lane_heads == 1) return L::load_element(row.args->k, at, nsajit_field_element);
    return L::repeat(static_cast<const float*>(row.args->k) + at, phases());  // in place: fp32 only
  }

  // Unscaled scores of keys [key, key + key_block) with `score_groups` vectors of heads, all in registers.
  NSAJIT_INLINE void score_block(const Row& row, int first, int key, int group) {
    const int chunks = nsajit_field_dk / phases();
    Vec sum[32];
#pragma clang loop unroll(full)
    for (int i = 0; i < nsajit_field_score_groups * nsajit_field_key_block; ++i) sum[i] = Vec{};
    const float* q = row.queries + group * chunks * W;
#pragma clang loop unroll(disable)
    for (int chunk = 0; chunk < chunks; ++chunk) {
      Vec queries[8];
#pragma clang loop unroll(full)
      for (int j = 0; j < nsajit_field_score_groups; ++j) queries[j] = L::load(q + (j * chunks + chunk) * W);
#pragma clang loop unroll(full)
      for (int i = 0; i < nsajit_field_key_block; ++i) {
        const Vec part = key_part(row, first + key + i, chunk * phases());
#pragma clang loop unroll(full)
        for (int j = 0; j < nsajit_field_score_groups; ++j) sum[j * nsajit_field_key_block + i] += queries[j] * part;
      }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < nsajit_field_score_groups; ++j) {
      float* scores = row.scores + ((group + j) * (nsajit_field_tile / phases()) + key / phases()) * W;
#pragma clang loop unroll(full)
      for (int i = 0; i < nsajit_field_key_block; i += phases()) {
        L::fold_phases(sum + j * nsajit_field_key_block + i, phases());
        L::store(scores + i / phases() * W, sum[j * nsajit_field_key_block + i]);
      }
    }
  }

  // Scores of a tile; its keys are tokens[first .. first + count), readable up to the next key_block.
  NSAJIT_INLINE void score_tile(const Row& row, int first, int count) {
#pragma clang loop unroll(disable)
    for (int key = 0; key < count; key += nsajit_field_key_block)
#pragma clang loop unroll(disable)
      for (int group = 0; group < head_groups(); group += nsajit_field_score_groups) score_block(row, first, key, group);
  }

  // Scores to probabilities relative to the new running maximum; keeps sums per lane until the row ends.
  NSAJIT_INLINE void exponentiate_tile(const Row& row, int count) {
    const int p = phases();
    const int vectors = (count + p - 1) / p;
    const Vec scale = L::splat(row.args->scale);
    const bool whole = count % p == 0;
    const auto keep = (L::lane_numbers(typename L::All{}) & (p - 1)) + (vectors - 1) * p < count;
    for (int group = 0; group < head_groups(); ++group) {
      float* scores = row.scores + group * (nsajit_field_tile / p) * W;
      const Vec old_max = L::load(row.row_max + group * W);
      Vec top = old_max;
      for (int i = 0; i < vectors; ++i) {
        const Vec scaled = L::load(scores + i * W) * scale;
        const Vec score = i + 1 < vectors || whole ? scaled : (keep ? scaled : L::splat(-__builtin_inff()));
        L::store(scores + i * W, score);
        top = L::max(score, top);
      }
      top = L::combine_phases(top, p, [](Vec a, Vec b) { return L::max(a, b); });
      const Vec rescale = L::exp(old_max - top);
      Vec sum = L::load(row.row_sum + group * W) * rescale;
      for (int i = 0; i < vectors; ++i) {
        const Vec probability = L::exp(L::load(scores + i * W) - top);
        L::store(scores + i * W, probability);
        sum += probability;
      }
      L::store(row.row_max + group * W, top);
      L::store(row.row_sum + group * W, sum);
      L::store(row.rescale + group * W, rescale);
    }
  }

  // Position of a head's lane for phase 0 within per-lane arrays that have `vectors` vectors per group.
  NSAJIT_INLINE int head_lane(int head, int vectors) {
    return head / nsajit_field_lane_heads * vectors * W + head % nsajit_field_lane_heads * phases();
  }

  NSAJIT_INLINE Vec value_part(const Row& row, int key, int d) {
    if (nsajit_field_pack_v) return L::load(row.packed_v + key * nsajit_field_dv + d);
    return L::load_element(row.args->v, row.v + row.tokens[key] * row.args->v_s + d, nsajit_field_element);
  }

  // out[head .. head + value_heads)[d .. d + value_vectors * W) over all keys of a tile, in registers.
  NSAJIT_INLINE void value_block(const Row& row, int first, int count, int head, int d) {
    const int p = phases();
    Vec sum[32];
#pragma clang loop unroll(full)
    for (int h = 0; h < nsajit_field_value_heads; ++h) {
      const Vec rescale = L::splat(row.rescale[head_lane(head + h, 1)]);
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
        const Vec weight = L::splat(probability[head_lane(head + h, nsajit_field_tile / p)]);
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
#pragma clang loop unroll(disable)
    for (int head = 0; head < nsajit_field_heads; head += nsajit_field_value_heads)
#pragma clang loop unroll(disable)
      for (int d = 0; d < nsajit_field_dv; d += nsajit_field_value_vectors * W) value_block(row, first, count, head, d);
  }

  NSAJIT_INLINE void attend_tile(const Row& row, int first, int count) {
    score_tile(row, first, count);
    exponentiate_tile(row, count);
    accumulate_tile(row, first, count);
  }

  // Normalises and writes the row; a row without tokens is 0, its LSE -inf.
  NSAJIT_INLINE void finish(const Row& row, int attended) {
    for (int group = 0; attended && group < head_groups(); ++group) {
      const Vec sum = L::load(row.row_sum + group * W);
      L::store(row.row_sum + group * W, L::combine_phases(sum, phases(), [](Vec a, Vec b) { return a + b; }));
    }
    for (int head = 0; head < nsajit_field_group; ++head) {
      const float sum = attended ? row.row_sum[head_lane(head, 1)] : 1.0f;
      for (int d = 0; d < nsajit_field_dv; d += W) {
        const Vec out = attended ? L::load(row.out + head * nsajit_field_dv + d) / L::splat(sum) : Vec{};
        L::store_element(row.args->o, row.o + head * row.args->o_h + d, out, nsajit_field_element);
      }
      if (row.args->lse)
        row.args->lse[row.lse + head * row.args->lse_h] =
            attended ? row.row_max[head_lane(head, 1)] + log_positive(sum) : -__builtin_inff();
    }
  }
};

}  // namespace nsajit::cpu
