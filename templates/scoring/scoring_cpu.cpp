// Scoring on the CPU: a few neighbouring queries walk their compressed keys twice, for the log-sum-exp and then for the
// probabilities, which are summed over the heads of each query; scores of blocks are formed one by one and only the best
// are kept. Compiled to bitcode; the JIT fixes the fields and drops the other vector width.

#include "nsajit/scoring_args.h"
#include "templates/scoring/scoring_cpu_choice.h"
#include "templates/scoring/scoring_cpu_sums.h"

namespace nsajit::cpu {

struct ScoringRow : AttentionRow<nsajit_scoring_args> {
  int keys;         // that the last query sees
  long long sel;    // offset of the first query's entries
  float* key_sums;  // probabilities of each key, summed over the heads of a query
  Choice choice;
};

// Keys of a row of key_sums: whole tiles.
NSAJIT_INLINE long long sum_pitch(const nsajit_scoring_args* args) {
  return args->S_c / nsajit_field_tile * nsajit_field_tile + nsajit_field_tile;
}

template <int W>
NSAJIT_INLINE void limit_keys(ScoringRow& row, long long position, int keys) {
  const int phases = W / nsajit_field_lane_heads;
  for (int head = 0; head < nsajit_field_heads; ++head) {
    const int query = head / nsajit_field_group;
    const int end = query < row.present ? seen_keys(position + query, keys) : 0x7fffffff;
    for (int i = 0; i < phases; ++i) {
      const int lane = head / nsajit_field_lane_heads * W + head % nsajit_field_lane_heads * phases + i;
      row.begins[lane] = 0;
      row.ends[lane] = end;
    }
  }
  row.all_begin = 0;
  row.all_end = seen_keys(position, keys);
}

NSAJIT_INLINE ScoringRow open_rows(const nsajit_scoring_args* args, long long b, long long s, long long g, int count,
                                   void* scratch) {
  ScoringRow row;
  place_scratch(row, scratch);
  place_queries(row, args, b, s, g, count, args->cu_keys ? args->cu_keys[b] : 0);
  const long long packed = (args->cu_seqlens ? args->cu_seqlens[b] : 0) + s, position = args->S_kv - args->S + s;
  const int keys = args->cu_keys ? args->cu_keys[b + 1] - args->cu_keys[b] : static_cast<int>(args->S_c);
  row.sel = b * args->sel_b + packed * args->sel_s + g * args->sel_g;
  row.keys = seen_keys(position + row.present - 1, keys);
  row.key_sums = reinterpret_cast<float*>(static_cast<char*>(scratch) + scratch_layout().bytes);
  row.choice = place_choice(row.key_sums + nsajit_field_queries * sum_pitch(args), args->n);
  if (nsajit_field_masked && nsajit_field_width == 16) limit_keys<16>(row, position, keys);
  if (nsajit_field_masked && nsajit_field_width == 8) limit_keys<8>(row, position, keys);
  return row;
}

template <int W>
struct ScoringMath : KeySums<W, ScoringRow> {
  using Base = KeySums<W, ScoringRow>;

  // Calls visit(first key, count) with the scores of each tile in place.
  template <class Visit>
  NSAJIT_INLINE void walk(const ScoringRow& row, Visit visit) {
    for (int first = 0; first < row.keys; first += nsajit_field_tokens) {
      const int gathered = row.keys - first < nsajit_field_tokens ? row.keys - first : nsajit_field_tokens;
      for (int i = 0; i < gathered; ++i) row.tokens[i] = first + i;
      pad_tokens(row, gathered);
      if (nsajit_field_pack_k) Base::pack_keys(row, padded_count(gathered));
      for (int at = 0; at < gathered; at += nsajit_field_tile) {
        const int count = gathered - at < nsajit_field_tile ? gathered - at : nsajit_field_tile;
        Base::score_tile(row, at, count);
        if (nsajit_field_masked) Base::mask_tile(row, first + at, count);
        visit(first + at, count);
      }
    }
  }

  NSAJIT_INLINE void score_keys(const ScoringRow& row) {
    if (row.keys == 0) return;
    Base::begin_scores(row);
    walk(row, [&](int, int count) { Base::exponentiate_tile(row, count); });
    Base::invert_sums(row);
    walk(row, [&](int first, int count) {
      Base::normalise_tile(row, count);
      for (int query = 0; query < row.present; ++query)
        Base::sum_heads(row, query, count, row.key_sums + query * sum_pitch(row.args) + first);
    });
  }
};

}  // namespace nsajit::cpu

extern "C" void scoring_top_n(const nsajit_scoring_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->S * args->G, last = end < rows ? end : rows;
  int count = 0;
  for (long long index = begin; index < last; index += count) {
    const long long s = index % args->S, bg = index / args->S;
    const long long left = args->S - s < last - index ? args->S - s : last - index;
    count = left < nsajit_field_queries ? static_cast<int>(left) : nsajit_field_queries;
    ScoringRow row = open_rows(args, bg / args->G, s, bg % args->G, count, scratch);
    if (nsajit_field_width == 16)
      ScoringMath<16>::score_keys(row);
    else
      ScoringMath<8>::score_keys(row);
    for (int query = 0; query < row.present; ++query) {
      const long long position = args->S_kv - args->S + s + query;
      const int chosen =
          choose_blocks(row.choice, row.key_sums + query * sum_pitch(args), seen_keys(position, row.keys), position, args->n);
      write_choice(row.choice, chosen, position, args->n, args->sel + row.sel + query * args->sel_s);
    }
  }
}
