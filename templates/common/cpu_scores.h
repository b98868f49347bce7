#pragma once
// Scores on the CPU, of all heads of one query or of a few at once, and their softmax. A vector holds `lane_heads` heads
// times `phases` neighbouring elements of dk, so a key is broadcast, never transposed; the phases are summed once per
// score. Freestanding; cpu_attention.h goes on with the values.

#include "templates/common/cpu_row.h"

namespace nsajit::cpu {

// Scores that a query does not see, before scaling: finite, so that a query that has seen nothing yet has a maximum. What
// they add to it is multiplied by 0 as soon as it sees a key; a query that never sees one is not read.
constexpr float kHiddenScore = -1e37f;

template <int W, class Row>
struct ScoreMath {
  using L = Lanes<W>;
  using Vec = typename L::Vec;
  NSAJIT_INLINE int phases() { return W / nsajit_field_lane_heads; }
  NSAJIT_INLINE int all_groups() { return nsajit_field_heads / nsajit_field_lane_heads; }
  NSAJIT_INLINE int head_groups(const Row& row) { return nsajit_field_queries == 1 ? all_groups() : row.groups; }

  // Queries into lanes, zero for padding heads; nothing seen yet.
  NSAJIT_INLINE void begin_scores(const Row& row) {
    const int p = phases();
    for (int head = 0; head < nsajit_field_heads; ++head) {
      float* to = row.queries + head / nsajit_field_lane_heads * (nsajit_field_dk / p) * W + head % nsajit_field_lane_heads * p;
      for (int d = 0; d < nsajit_field_dk; d += W) {
        const long long at = row.q + head / nsajit_field_group * row.args->q_s + head % nsajit_field_group * row.args->q_h;
        const Vec part =
            head < row.present * nsajit_field_group ? L::load_element(row.args->q, at + d, nsajit_field_element) : Vec{};
        float lanes[W];
        L::store(lanes, part);
        for (int i = 0; i < W; ++i) to[(d + i) / p * W + i % p] = lanes[i];
      }
    }
    for (int i = 0; i < all_groups() * W; i += W) L::store(row.row_max + i, L::splat(-__builtin_inff()));
    for (int i = 0; i < all_groups() * W; i += W) L::store(row.row_sum + i, Vec{});
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
      for (int group = 0; group < head_groups(row); group += nsajit_field_score_groups) score_block(row, first, key, group);
  }

  // Hides what the queries of the lanes do not see of a tile whose keys are [begin, begin + count) of the sequence.
  NSAJIT_INLINE void mask_tile(const Row& row, int begin, int count) {
    if (begin >= row.all_begin && begin + count <= row.all_end) return;
    const int p = phases();
    const auto phase = L::lane_numbers(typename L::All{}) & (p - 1);
    for (int group = 0; group < head_groups(row); ++group) {
      const auto begins = L::template read<typename L::Ints>(row.begins + group * W);
      const auto ends = L::template read<typename L::Ints>(row.ends + group * W);
      float* scores = row.scores + group * (nsajit_field_tile / p) * W;
      for (int i = 0; i * p < count; ++i) {
        const auto key = phase + (begin + i * p);
        const Vec score = L::load(scores + i * W);
        const Vec seen = key < ends ? score : L::splat(kHiddenScore);
        L::store(scores + i * W, key >= begins ? seen : L::splat(kHiddenScore));
      }
    }
  }

  // Scores to probabilities relative to the new running maximum; keeps sums per lane until the row ends.
  NSAJIT_INLINE void exponentiate_tile(const Row& row, int count) {
    const int p = phases();
    const int vectors = (count + p - 1) / p;
    const Vec scale = L::splat(row.args->scale);
    const bool whole = count % p == 0;
    const auto keep = (L::lane_numbers(typename L::All{}) & (p - 1)) + (vectors - 1) * p < count;
    for (int group = 0; group < head_groups(row); ++group) {
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
};

}  // namespace nsajit::cpu
