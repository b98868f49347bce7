#pragma once
// One row (b, s, g) of selection on the CPU: where its operands and its scratch lie, and which tokens it selects.
// Freestanding; selection_cpu_math.h computes with it.

#include "nsajit/selection_args.h"
#include "templates/selection/selection_cpu_fields.h"
#include "templates/selection/selection_cpu_lanes.h"
#include "templates/selection/selection_cpu_scratch.h"

namespace nsajit::cpu {

// Walks the selected tokens of a row in the order of its entries; what lies beyond `limit` is not there.
struct TokenCursor {
  const int* entries;
  int left;
  long long next, end, limit;
};

NSAJIT_INLINE void open_entry(TokenCursor& cursor) {
  if (nsajit_field_ranges) {
    cursor.next = cursor.entries[0] < 0 ? 0 : cursor.entries[0];
    cursor.end = cursor.entries[1];
    cursor.entries += 2;
  } else {
    const long long block = *cursor.entries++;
    cursor.next = block * nsajit_field_l_sel;
    cursor.end = block < 0 ? cursor.next : cursor.next + nsajit_field_l_sel;
  }
  if (cursor.end > cursor.limit) cursor.end = cursor.limit;
}

// Writes up to `wanted` tokens and says how many there were.
NSAJIT_INLINE int take_tokens(TokenCursor& cursor, int* tokens, int wanted) {
  int count = 0;
  while (count < wanted) {
    while (cursor.next >= cursor.end && cursor.left > 0) {
      --cursor.left;
      open_entry(cursor);
    }
    if (cursor.next >= cursor.end) break;
    const long long run = cursor.end - cursor.next < wanted - count ? cursor.end - cursor.next : wanted - count;
    for (int i = 0; i < run; ++i) tokens[count + i] = static_cast<int>(cursor.next + i);
    count += static_cast<int>(run);
    cursor.next += run;
  }
  return count;
}

// What a row works with: addresses of its operands, and its scratch.
struct Row {
  const nsajit_selection_args* args;
  bool present;               // false: the sequence is shorter, there is nothing to do
  long long q, k, v, o, lse;  // offsets in elements
  float *queries, *scores, *out, *row_max, *row_sum, *rescale, *packed_k, *packed_v;
  int* tokens;
  TokenCursor cursor;
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
                                      .packed_values = nsajit_field_pack_v ? nsajit_field_tokens : 0});
}

// Rows are numbered (b, g, s), s fastest: neighbours read the same keys and values.
NSAJIT_INLINE Row open_row(const nsajit_selection_args* args, long long index, void* scratch) {
  const long long s = index % args->S, bg = index / args->S, g = bg % args->G, b = bg / args->G;
  const templates::CpuScratch at = scratch_layout();
  char* base = static_cast<char*>(scratch);
  const auto floats = [&](long long offset) { return reinterpret_cast<float*>(base + offset); };
  Row row;
  row.args = args;
  // Packed sequences begin where cu_seqlens says; a launch covers S rows of each.
  const long long start = args->cu_seqlens ? args->cu_seqlens[b] : 0, packed = start + s;
  row.present = !args->cu_seqlens || packed < args->cu_seqlens[b + 1];
  row.q = b * args->q_b + packed * args->q_s + g * args->q_g;
  row.k = b * args->k_b + start * args->k_s + g * args->k_g;
  row.v = b * args->v_b + start * args->v_s + g * args->v_g;
  row.o = b * args->o_b + packed * args->o_s + g * args->o_g;
  row.lse = b * args->lse_b + packed * args->lse_s + g * args->lse_g;
  row.queries = floats(at.q);
  row.scores = floats(at.scores);
  row.out = floats(at.out);
  row.row_max = floats(at.row_max);
  row.row_sum = floats(at.row_sum);
  row.rescale = floats(at.rescale);
  row.packed_k = floats(at.k);
  row.packed_v = floats(at.v);
  row.tokens = reinterpret_cast<int*>(base + at.tokens);
  const long long position = args->S_kv - args->S + s;
  row.cursor = {args->sel + b * args->sel_b + packed * args->sel_s + g * args->sel_g, args->n, 0, 0, position + 1};
  return row;
}

// Keys are scored in whole blocks: the list is filled up with a token that is selected anyway.
NSAJIT_INLINE void pad_tokens(const Row& row, int count) {
  for (int i = count; i % nsajit_field_key_block != 0; ++i) row.tokens[i] = row.tokens[count - 1];
}
NSAJIT_INLINE int padded_count(int count) {
  return (count + nsajit_field_key_block - 1) / nsajit_field_key_block * nsajit_field_key_block;
}

}  // namespace nsajit::cpu
