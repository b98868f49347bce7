#pragma once
// One row (b, s, g) of selection on the CPU: which tokens it selects, and where its operands lie. Freestanding.

#include "nsajit/selection_args.h"
#include "templates/common/cpu_row.h"

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_l_sel;
extern const int nsajit_field_ranges;  // 1: sel holds ranges, 0: block indices
}
#endif

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

struct Row : AttentionRow<nsajit_selection_args> {
  TokenCursor cursor;
};

// Rows are numbered (b, g, s), s fastest: neighbours read the same keys and values.
NSAJIT_INLINE Row open_row(const nsajit_selection_args* args, long long index, void* scratch) {
  const long long s = index % args->S, bg = index / args->S, g = bg % args->G, b = bg / args->G;
  const long long start = args->cu_seqlens ? args->cu_seqlens[b] : 0;
  Row row;
  place_scratch(row, scratch);
  place_queries(row, args, b, s, g, 1, start);
  const long long position = args->S_kv - args->S + s;
  row.cursor = {args->sel + b * args->sel_b + (start + s) * args->sel_s + g * args->sel_g, args->n, 0, 0, position + 1};
  return row;
}

}  // namespace nsajit::cpu
