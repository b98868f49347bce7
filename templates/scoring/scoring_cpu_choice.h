#pragma once
// Choice of blocks on the CPU: scores of blocks from those of compressed keys (Eq. 9), the best n with the forced ones, and
// their form as block indices or ranges. Freestanding.

#include "templates/common/cpu_lanes.h"

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_l;
extern const int nsajit_field_d;
extern const int nsajit_field_l_sel;
extern const int nsajit_field_ranges;     // 1: ranges are written, 0: block indices
extern const int nsajit_field_ranges_v2;  // 1: ranges are formed without branches, all entries alike; 0: entry by entry
}
#endif

namespace nsajit::cpu {

// Keys that the row at `position` sees of `keys`.
NSAJIT_INLINE int seen_keys(long long position, int keys) {
  const long long tokens = position + 1;
  const long long seen = tokens < nsajit_field_l ? 0 : (tokens - nsajit_field_l) / nsajit_field_d + 1;
  return seen < keys ? static_cast<int>(seen) : keys;
}

// Scratch: the best so far, in falling order, and the blocks chosen, in rising order.
struct Choice {
  float* scores;
  int *blocks, *chosen;
};
NSAJIT_INLINE Choice place_choice(float* scratch, int n) {
  int* ints = reinterpret_cast<int*>(scratch + n);
  return {scratch, ints, ints + n};
}

// Weighted by overlap: each of the l tokens of a compressed one gives its l-th part to the block that it lies in.
NSAJIT_INLINE float score_block(const float* key_sums, int keys, int block) {
  const int before = nsajit_field_l / nsajit_field_d - 1;  // keys that begin earlier and reach into the block
  const int first = block * (nsajit_field_l_sel / nsajit_field_d) - before;
  float score = 0;
#pragma clang loop unroll(full)
  for (int o = 0; o < before + nsajit_field_l_sel / nsajit_field_d; ++o) {
    const int begin = (o - before) * nsajit_field_d, end = begin + nsajit_field_l;  // relative to the block
    const int overlap = (end < nsajit_field_l_sel ? end : nsajit_field_l_sel) - (begin > 0 ? begin : 0);
    const float weight = static_cast<float>(overlap) / static_cast<float>(nsajit_field_l);
    if (first + o >= 0 && first + o < keys) score += weight * key_sums[first + o];
  }
  return score;
}

// Puts a block behind all that are at least as good: among equals the lower index, which came first, stays ahead.
NSAJIT_INLINE int keep_best(const Choice& choice, int kept, int wanted, int block, float score) {
  if (kept == wanted && !(score > choice.scores[kept - 1])) return kept;
  int at = kept < wanted ? kept : kept - 1;
  for (; at > 0 && choice.scores[at - 1] < score; --at) {
    choice.scores[at] = choice.scores[at - 1];
    choice.blocks[at] = choice.blocks[at - 1];
  }
  choice.scores[at] = score;
  choice.blocks[at] = block;
  return kept < wanted ? kept + 1 : kept;
}

NSAJIT_INLINE void insert_ascending(int* chosen, int count, int block) {
  for (; count > 0 && chosen[count - 1] > block; --count) chosen[count] = chosen[count - 1];
  chosen[count] = block;
}

// How many were chosen. Block 0, the local one and the one before, as far as n goes, then the best of those in between.
NSAJIT_INLINE int choose_blocks(const Choice& choice, const float* key_sums, int keys, long long position, int n) {
  const int local = static_cast<int>(position / nsajit_field_l_sel);
  int count = 0;
  insert_ascending(choice.chosen, count++, 0);
  if (local > 0 && count < n) insert_ascending(choice.chosen, count++, local);
  if (local > 1 && count < n) insert_ascending(choice.chosen, count++, local - 1);
  const int wanted = n - count;
  int kept = 0;
  for (int block = 1; wanted > 0 && block < local - 1; ++block)
    kept = keep_best(choice, kept, wanted, block, score_block(key_sums, keys, block));
  for (int i = 0; i < kept; ++i) insert_ascending(choice.chosen, count++, choice.blocks[i]);
  return count;
}

NSAJIT_INLINE int range_end(int block, long long position) {
  const long long end = static_cast<long long>(block + 1) * nsajit_field_l_sel;
  return static_cast<int>(end < position + 1 ? end : position + 1);
}

// Entry by entry: a block that follows the one before prolongs its range.
NSAJIT_INLINE int write_ranges_v1(const int* chosen, int count, long long position, int* to) {
  int used = 0;
  for (int i = 0; i < count; ++i) {
    const int begin = chosen[i] * nsajit_field_l_sel;
    if (used > 0 && to[2 * used - 1] == begin) {
      to[2 * used - 1] = range_end(chosen[i], position);
      continue;
    }
    to[2 * used] = begin;
    to[2 * used + 1] = range_end(chosen[i], position);
    ++used;
  }
  return used;
}

// All entries alike: where a range begins is a comparison of neighbours, its place the number of beginnings so far.
// The last block of a range writes its end last.
NSAJIT_INLINE int write_ranges_v2(const int* chosen, int count, long long position, int* to) {
  int used = 0;
  for (int i = 0; i < count; ++i) {
    const int begins = i == 0 || chosen[i] != chosen[i - 1] + 1;
    used += begins;
    to[2 * used - 2] = begins ? chosen[i] * nsajit_field_l_sel : to[2 * used - 2];
    to[2 * used - 1] = range_end(chosen[i], position);
  }
  return used;
}

NSAJIT_INLINE void write_choice(const Choice& choice, int count, long long position, int n, int* to) {
  if (!nsajit_field_ranges) {
    for (int i = 0; i < n; ++i) to[i] = i < count ? choice.chosen[i] : -1;
    return;
  }
  const int used = nsajit_field_ranges_v2 ? write_ranges_v2(choice.chosen, count, position, to)
                                          : write_ranges_v1(choice.chosen, count, position, to);
  for (int i = 2 * used; i < 2 * n; ++i) to[i] = 0;
}

}  // namespace nsajit::cpu
