#pragma once
// The queries that a CPU attention kernel works on together: neighbours of one (b, g), where their operands and their
// scratch lie, and the list of keys at hand. Freestanding; cpu_attention.h computes with it.

#include "templates/common/cpu_fields.h"
#include "templates/common/cpu_lanes.h"
#include "templates/common/cpu_scratch.h"

namespace nsajit::cpu {

template <class Args>
struct AttentionRow {
  const Args* args;
  int present;                // queries there are, `queries` at most; 0: the sequence is shorter, there is nothing to do
  int groups, heads;          // vectors of heads to score and heads to sum values for, where some queries are not present
  long long q, k, v, o, lse;  // offsets in elements, of the first query
  float *queries, *scores, *out, *row_max, *row_sum, *rescale, *packed_k, *packed_v;
  int* tokens;
  // Where queries see different keys: those of each lane's query, and the ones that all of them see.
  int *begins, *ends;
  int all_begin, all_end;
};

NSAJIT_INLINE templates::CpuScratch scratch_layout() {
  return templates::make_cpu_scratch({.dk = nsajit_field_dk,
                                      .dv = nsajit_field_dv,
                                      .heads = nsajit_field_heads,
                                      .lane_heads = nsajit_field_lane_heads,
                                      .width = nsajit_field_width,
                                      .tile = nsajit_field_tile,
                                      .tokens = nsajit_field_tokens,
                                      .packed_keys = nsajit_field_pack_k ? nsajit_field_tokens : 0,
                                      .packed_values = nsajit_field_pack_v ? nsajit_field_tokens : 0,
                                      .masked = nsajit_field_masked != 0});
}

template <class Row>
NSAJIT_INLINE void place_scratch(Row& row, void* scratch) {
  const templates::CpuScratch at = scratch_layout();
  char* base = static_cast<char*>(scratch);
  const auto floats = [&](long long offset) { return reinterpret_cast<float*>(base + offset); };
  row.queries = floats(at.q);
  row.scores = floats(at.scores);
  row.out = floats(at.out);
  row.row_max = floats(at.row_max);
  row.row_sum = floats(at.row_sum);
  row.rescale = floats(at.rescale);
  row.packed_k = floats(at.k);
  row.packed_v = floats(at.v);
  row.begins = reinterpret_cast<int*>(base + at.begins);
  row.ends = reinterpret_cast<int*>(base + at.ends);
  row.tokens = reinterpret_cast<int*>(base + at.tokens);
}

// `count`, in whole blocks.
NSAJIT_INLINE int whole_blocks(int count, int block) { return (count + block - 1) / block * block; }

// `count` queries from (b, s, g) on, as far as the sequence has them. `key_start`: what its key 0 is in k and v.
// Packed sequences begin where cu_seqlens says; a launch covers S rows of each.
template <class Row, class Args>
NSAJIT_INLINE void place_queries(Row& row, const Args* args, long long b, long long s, long long g, int count,
                                 long long key_start) {
  const long long start = args->cu_seqlens ? args->cu_seqlens[b] : 0, packed = start + s;
  const long long left = args->cu_seqlens ? args->cu_seqlens[b + 1] - packed : args->S - s;
  row.args = args;
  row.present = left < 0 ? 0 : left < count ? static_cast<int>(left) : count;
  const int heads = row.present * nsajit_field_group;
  row.groups = whole_blocks(heads, nsajit_field_lane_heads * nsajit_field_score_groups) / nsajit_field_lane_heads;
  row.heads = whole_blocks(heads, nsajit_field_value_heads);
  row.q = b * args->q_b + packed * args->q_s + g * args->q_g;
  row.k = b * args->k_b + key_start * args->k_s + g * args->k_g;
  if constexpr (requires { args->v; }) {  // scoring has neither
    row.v = b * args->v_b + key_start * args->v_s + g * args->v_g;
    row.o = b * args->o_b + packed * args->o_s + g * args->o_g;
  }
  row.lse = b * args->lse_b + packed * args->lse_s + g * args->lse_g;
}

// Keys are scored in whole blocks: the list is filled up with a token that is selected anyway.
template <class Row>
NSAJIT_INLINE void pad_tokens(const Row& row, int count) {
  for (int i = count; i % nsajit_field_key_block != 0; ++i) row.tokens[i] = row.tokens[count - 1];
}
NSAJIT_INLINE int padded_count(int count) { return whole_blocks(count, nsajit_field_key_block); }

}  // namespace nsajit::cpu
