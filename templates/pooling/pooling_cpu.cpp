// Mean pooling on the CPU: compressed tokens of one (b, g) one after the other, K and V together. With `reuse` the sums of
// the last l/d chunks of d tokens are kept in scratch, so that a task reads a raw token once; without, each compressed token
// sums its l tokens. Compiled to bitcode; the JIT fixes the fields and drops the other vector width.

#include "nsajit/pooling_args.h"
#include "templates/common/cpu_fields.h"
#include "templates/common/cpu_lanes.h"

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_l;
extern const int nsajit_field_d;
extern const int nsajit_field_reuse;
}
#endif

namespace nsajit::cpu {

// K or V of one (b, g).
struct Pooled {
  const void* raw;
  void* pooled;
  long long raw_at, raw_stride;        // offset of raw token 0, and between two
  long long pooled_at, pooled_stride;  // the same of the first compressed token of the launch
  float* sums;                         // [l/d][size]
  int size;
};

struct PooledPair {
  Pooled k, v;
  long long tokens;  // compressed ones of the sequence in the launch
};

NSAJIT_INLINE PooledPair open_pair(const nsajit_pooling_args* args, long long b, long long g, void* scratch) {
  const long long raw = args->cu_seqlens ? args->cu_seqlens[b] : 0, pooled = args->cu_keys ? args->cu_keys[b] : 0;
  float* const sums = static_cast<float*>(scratch);
  PooledPair pair;
  pair.k = {args->k,
            args->k_cmp,
            b * args->k_b + g * args->k_g + raw * args->k_s,
            args->k_s,
            b * args->k_cmp_b + g * args->k_cmp_g + pooled * args->k_cmp_s,
            args->k_cmp_s,
            sums,
            nsajit_field_dk};
  pair.v = {args->v,
            args->v_cmp,
            b * args->v_b + g * args->v_g + raw * args->v_s,
            args->v_s,
            b * args->v_cmp_b + g * args->v_cmp_g + pooled * args->v_cmp_s,
            args->v_cmp_s,
            sums + nsajit_field_l / nsajit_field_d * nsajit_field_dk,
            nsajit_field_dv};
  pair.tokens = (args->cu_keys ? args->cu_keys[b + 1] - pooled : args->S_c) - args->first;
  return pair;
}

template <int W>
struct PoolingMath {
  using L = Lanes<W>;
  using Vec = typename L::Vec;

  // Elements [at, at + W) of `count` raw tokens from `first` on.
  NSAJIT_INLINE Vec sum_tokens(const Pooled& side, long long first, int count, int at) {
    Vec sum{};
    const long long from = side.raw_at + first * side.raw_stride + at;
    for (int i = 0; i < count; ++i) sum = sum + L::load_element(side.raw, from + i * side.raw_stride, nsajit_field_element);
    return sum;
  }

  NSAJIT_INLINE void store(const Pooled& side, long long i, int at, Vec sum) {
    L::store_element(side.pooled, side.pooled_at + i * side.pooled_stride + at, sum * L::splat(1.0f / nsajit_field_l),
                     nsajit_field_element);
  }

  NSAJIT_INLINE void pool_alone(const Pooled& side, long long first, long long i) {
    for (int at = 0; at < side.size; at += W)
      store(side, i, at, sum_tokens(side, (first + i) * nsajit_field_d, nsajit_field_l, at));
  }

  NSAJIT_INLINE void keep_chunk(const Pooled& side, long long chunk) {
    float* sums = side.sums + chunk % (nsajit_field_l / nsajit_field_d) * side.size;
    for (int at = 0; at < side.size; at += W) L::store(sums + at, sum_tokens(side, chunk * nsajit_field_d, nsajit_field_d, at));
  }

  // Chunks are added in their order, wherever they lie in the ring: a token does not depend on where its task began.
  NSAJIT_INLINE void pool_kept(const Pooled& side, long long first, long long i) {
    const int window = nsajit_field_l / nsajit_field_d;
    for (int at = 0; at < side.size; at += W) {
      Vec sum{};
      for (int j = 0; j < window; ++j) sum = sum + L::load(side.sums + (first + i + j) % window * side.size + at);
      store(side, i, at, sum);
    }
  }

  // Compressed tokens [begin, end) of the launch.
  NSAJIT_INLINE void pool(const Pooled& side, long long first, long long begin, long long end) {
    if (!nsajit_field_reuse) {
      for (long long i = begin; i < end; ++i) pool_alone(side, first, i);
      return;
    }
    const int window = nsajit_field_l / nsajit_field_d;
    for (int j = 0; j < window - 1; ++j) keep_chunk(side, first + begin + j);
    for (long long i = begin; i < end; ++i) {
      keep_chunk(side, first + i + window - 1);
      pool_kept(side, first, i);
    }
  }
};

template <int W>
NSAJIT_INLINE void pool_pair(const nsajit_pooling_args* args, const PooledPair& pair, long long begin, long long end) {
  PoolingMath<W>::pool(pair.k, args->first, begin, end);
  if (args->v) PoolingMath<W>::pool(pair.v, args->first, begin, end);
}

}  // namespace nsajit::cpu

// Rows are compressed tokens here, (b, g, i) with i fastest.
extern "C" void mean_pooling(const nsajit_pooling_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long tokens = args->S_c - args->first, rows = args->B * args->G * tokens, last = end < rows ? end : rows;
  for (long long index = begin; index < last;) {
    const long long bg = index / tokens, i = index % tokens;
    const long long count = tokens - i < last - index ? tokens - i : last - index;
    const PooledPair pair = open_pair(args, bg / args->G, bg % args->G, scratch);
    const long long stop = i + count < pair.tokens ? i + count : pair.tokens;
    if (i < stop && nsajit_field_width == 16) pool_pair<16>(args, pair, i, stop);
    if (i < stop && nsajit_field_width == 8) pool_pair<8>(args, pair, i, stop);
    index += count;
  }
}
