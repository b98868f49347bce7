// Dense attention on the CPU, sliding and compressed: a few neighbouring queries walk the keys that any of them sees and
// hide from each what it does not see. With as many keys packed at once as the baseline takes, it is the packed SDPA.
// Compiled to bitcode; the JIT fixes the fields, drops the other vector width and unrolls the register blocks.

#include "nsajit/dense_args.h"
#include "templates/common/cpu_attention.h"

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_compressed;  // 1: the compressed branch, 0: the sliding one
extern const int nsajit_field_w;
extern const int nsajit_field_l;
extern const int nsajit_field_d;
}
#endif

namespace nsajit::cpu {

struct DenseRow : AttentionRow<nsajit_dense_args> {
  int begin, end;  // keys that some query sees
};

NSAJIT_INLINE int first_key(long long position) {
  return nsajit_field_compressed || position < nsajit_field_w ? 0 : static_cast<int>(position - nsajit_field_w + 1);
}

NSAJIT_INLINE int end_key(long long position, int keys) {
  const long long tokens = position + 1;
  const long long compressed = tokens < nsajit_field_l ? 0 : (tokens - nsajit_field_l) / nsajit_field_d + 1;
  const long long end = nsajit_field_compressed ? compressed : nsajit_field_w <= 0 ? 0 : tokens;
  return end < keys ? static_cast<int>(end) : keys;
}

// What the lanes of each query see; heads that only fill up see all, so that they hide nothing.
template <int W>
NSAJIT_INLINE void limit_lanes(DenseRow& row, long long position, int keys) {
  constexpr int all = 0x7fffffff;
  const int phases = W / nsajit_field_lane_heads;
  for (int head = 0; head < nsajit_field_heads; ++head) {
    const int query = head / nsajit_field_group;
    const int begin = query < row.present ? first_key(position + query) : 0;
    const int end = query < row.present ? end_key(position + query, keys) : all;
    for (int i = 0; i < phases; ++i) {
      const int lane = head / nsajit_field_lane_heads * W + head % nsajit_field_lane_heads * phases + i;
      row.begins[lane] = begin;
      row.ends[lane] = end;
    }
  }
  row.all_begin = first_key(position + row.present - 1);
  row.all_end = end_key(position, keys);
}

// Queries [index, index + count) of one (b, g). Rows are numbered (b, g, s), s fastest.
NSAJIT_INLINE DenseRow open_rows(const nsajit_dense_args* args, long long index, int count, void* scratch) {
  const long long s = index % args->S, bg = index / args->S, g = bg % args->G, b = bg / args->G;
  DenseRow row;
  place_scratch(row, scratch);
  place_queries(row, args, b, s, g, count, args->cu_keys ? args->cu_keys[b] : 0);
  const int keys = args->cu_keys ? args->cu_keys[b + 1] - args->cu_keys[b] : static_cast<int>(args->S_c);
  const long long position = args->S_kv - args->S + s;
  row.begin = first_key(position);
  row.end = end_key(position + row.present - 1, keys);
  if (nsajit_field_masked && nsajit_field_width == 16) limit_lanes<16>(row, position, keys);
  if (nsajit_field_masked && nsajit_field_width == 8) limit_lanes<8>(row, position, keys);
  return row;
}

template <int W>
NSAJIT_INLINE void attend_rows(DenseRow& row) {
  using Math = RowMath<W, DenseRow>;
  if (row.begin < row.end) Math::begin(row);
  for (int first = row.begin; first < row.end; first += nsajit_field_tokens) {
    const int count = row.end - first < nsajit_field_tokens ? row.end - first : nsajit_field_tokens;
    for (int i = 0; i < count; ++i) row.tokens[i] = first + i;
    pad_tokens(row, count);
    if (nsajit_field_pack_k) Math::pack_keys(row, padded_count(count));
    if (nsajit_field_pack_v) Math::pack_values(row, count);
    for (int at = 0; at < count; at += nsajit_field_tile)
      Math::attend_tile(row, at, count - at < nsajit_field_tile ? count - at : nsajit_field_tile);
  }
  Math::finish(row, row.begin < row.end);
}

}  // namespace nsajit::cpu

extern "C" void dense_attention(const nsajit_dense_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->S * args->G, last = end < rows ? end : rows;
  int count = 0;
  for (long long index = begin; index < last; index += count) {
    const long long left = args->S - index % args->S < last - index ? args->S - index % args->S : last - index;
    count = left < nsajit_field_queries ? static_cast<int>(left) : nsajit_field_queries;
    DenseRow row = open_rows(args, index, count, scratch);
    if (!row.present) continue;
    if (nsajit_field_width == 16)
      attend_rows<16>(row);
    else
      attend_rows<8>(row);
  }
}
