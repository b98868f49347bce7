// A decode step on the CPU: each (b, g) attends to its compressed tokens, walks their keys once more for the sums that choose
// blocks, then attends to the chosen blocks and to the window; outputs are added up in fp32 as they come. Keys and values are
// packed tile by tile, from pages or not. Compiled to bitcode; the JIT fixes the fields and drops the other vector width.

#include "nsajit/decode_args.h"
#include "nsajit/dense_args.h"
#include "templates/common/cpu_attention.h"
#include "templates/scoring/scoring_cpu_choice.h"
#include "templates/scoring/scoring_cpu_sums.h"

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_w;
}
#endif

namespace nsajit::cpu {

// The operands of one branch at a time; dense_args.h names what the shared code reads.
struct DecodeRow : AttentionRow<nsajit_dense_args> {
  const nsajit_decode_args* step;
  long long b, g;
  int length, keys;  // tokens; compressed tokens seen
  float* total;      // [heads][dv]
  float* key_sums;
  Choice choice;
  nsajit_dense_args operands;
};

// Element offset of the row of a token, group included. `page`: rows of a page.
NSAJIT_INLINE long long find_token(const DecodeRow& row, int token, int page, long long b, long long g, long long s) {
  const nsajit_decode_args* step = row.step;
  if (!step->block_table) return row.b * b + row.g * g + token * s;
  return step->block_table[row.b * step->table_b + token / page] * b + row.g * g + token % page * s;
}

NSAJIT_INLINE void open_row(DecodeRow& row, const nsajit_decode_args* args, long long index, void* scratch) {
  row.step = args;
  row.b = index / args->G;
  row.g = index % args->G;
  row.length = static_cast<int>(args->lengths ? args->lengths[row.b] : args->S_kv);
  row.keys = seen_keys(row.length - 1LL, 0x7fffffff);
  place_scratch(row, scratch);
  row.operands = {};
  row.operands.q = args->q;
  row.operands.q_h = args->q_h;
  row.operands.scale = args->scale;
  row.args = &row.operands;
  row.present = 1;
  row.groups = nsajit_field_heads / nsajit_field_lane_heads;
  row.heads = nsajit_field_heads;
  row.q = row.b * args->q_b + row.g * args->q_g;
  row.total = reinterpret_cast<float*>(static_cast<char*>(scratch) + scratch_layout().bytes);
  row.choice = place_choice(row.total + nsajit_field_heads * nsajit_field_dv, args->n);
  row.key_sums = reinterpret_cast<float*>(row.choice.chosen + args->n);
}

NSAJIT_INLINE float gate_of(const DecodeRow& row, int branch, int head) {
  const nsajit_decode_args* step = row.step;
  if (step->forced >= 0) return step->forced == branch ? 1.0f : 0.0f;
  const long long at = row.b * step->gate_b + row.g * step->gate_g + head * step->gate_h;
  return load_scalar(step->gate[branch], at, step->fp32_gates ? static_cast<int>(kFp32) : nsajit_field_element);
}

template <int W>
struct DecodeMath : RowMath<W, DecodeRow> {
  using Base = RowMath<W, DecodeRow>;
  using Sums = KeySums<W, DecodeRow>;
  using L = Lanes<W>;

  NSAJIT_INLINE void pack_tokens(float* to, const void* from, const DecodeRow& row, int count, int size, int page, long long b,
                                 long long g, long long s) {
    for (int key = 0; key < count; ++key) {
      const long long at = find_token(row, row.tokens[key], page, b, g, s);
      for (int d = 0; d < size; d += W) L::store(to + key * size + d, L::load_element(from, at + d, nsajit_field_element));
    }
  }

  // Calls visit(count, first) with the scores of each tile of `all` tokens in place; token(i) is the i-th one.
  template <class Token, class Visit>
  NSAJIT_INLINE void walk(DecodeRow& row, const nsajit_decode_cache& cache, int page, int all, Token token, Visit visit) {
    for (int first = 0; first < all; first += nsajit_field_tile) {
      const int count = all - first < nsajit_field_tile ? all - first : nsajit_field_tile;
      for (int i = 0; i < count; ++i) row.tokens[i] = token(first + i);
      pad_tokens(row, count);
      pack_tokens(row.packed_k, cache.k, row, padded_count(count), nsajit_field_dk, page, cache.k_b, cache.k_g, cache.k_s);
      Base::score_tile(row, 0, count);
      visit(count, first);
    }
  }

  template <class Token>
  NSAJIT_INLINE void attend(DecodeRow& row, const nsajit_decode_cache& cache, int page, int all, int branch, Token token) {
    if (all == 0) return;
    Base::begin(row);
    walk(row, cache, page, all, token, [&](int count, int) {
      pack_tokens(row.packed_v, cache.v, row, count, nsajit_field_dv, page, cache.v_b, cache.v_g, cache.v_s);
      Base::exponentiate_tile(row, count);
      Base::accumulate_tile(row, 0, count);
    });
    Sums::invert_sums(row);
    for (int head = 0; head < nsajit_field_group; ++head) {
      const auto factor = L::splat(gate_of(row, branch, head) * row.row_sum[Base::head_lane(head, 1)]);
      for (int d = head * nsajit_field_dv; d < (head + 1) * nsajit_field_dv; d += W)
        L::store(row.total + d, L::load(row.total + d) + L::load(row.out + d) * factor);
    }
  }

  // After the compressed branch, whose maxima and sums are still there.
  NSAJIT_INLINE int choose(DecodeRow& row, int page) {
    if (row.length == 0) return 0;
    walk(
        row, row.step->cmp, page, row.keys, [](int i) { return i; },
        [&](int count, int first) {
          Sums::normalise_tile(row, count);
          Sums::sum_heads(row, 0, count, row.key_sums + first);
        });
    return choose_blocks(row.choice, row.key_sums, row.keys, row.length - 1LL, row.step->n);
  }

  NSAJIT_INLINE void run(DecodeRow& row) {
    const nsajit_decode_args* step = row.step;
    const int page = step->page, compressed_page = page / nsajit_field_d, length = row.length;
    for (int i = 0; i < nsajit_field_heads * nsajit_field_dv; i += W) L::store(row.total + i, typename L::Vec{});
    attend(row, step->cmp, compressed_page, row.keys, 0, [](int i) { return i; });
    const int chosen = choose(row, compressed_page);
    const int* blocks = row.choice.chosen;
    const int last = chosen > 0 ? length - blocks[chosen - 1] * nsajit_field_l_sel : 0;
    const int tail = last < nsajit_field_l_sel ? last : nsajit_field_l_sel;
    attend(row, step->sel, page, chosen > 0 ? (chosen - 1) * nsajit_field_l_sel + tail : 0, 1,
           [&](int i) { return blocks[i / nsajit_field_l_sel] * nsajit_field_l_sel + i % nsajit_field_l_sel; });
    const int window = length < nsajit_field_w ? length : nsajit_field_w;
    attend(row, step->win, page, window > 0 ? window : 0, 2, [&](int i) { return length - window + i; });
    for (int head = 0; head < nsajit_field_group; ++head)
      for (int d = 0; d < nsajit_field_dv; d += W)
        L::store_element(step->o, row.b * step->o_b + row.g * step->o_g + head * step->o_h + d,
                         L::load(row.total + head * nsajit_field_dv + d), nsajit_field_element);
    if (!step->blocks || step->forced == 2) return;
    int* to = step->blocks + row.b * step->blocks_b + row.g * step->blocks_g;
    for (int i = 0; i < step->n; ++i) to[i] = i < chosen ? blocks[i] : -1;
  }
};

}  // namespace nsajit::cpu

extern "C" void decode_step(const nsajit_decode_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->G, last = end < rows ? end : rows;
  for (long long index = begin; index < last; ++index) {
    DecodeRow row;
    open_row(row, args, index, scratch);
    if (nsajit_field_width == 16)
      DecodeMath<16>::run(row);
    else
      DecodeMath<8>::run(row);
  }
}
