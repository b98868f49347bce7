#pragma once
// Queries as columns: scores of compressed keys are computed transposed, S^T = K Q^T, a key per row and a (query, head) per
// column. Which column is whose is free, since Q is gathered: of the columns 8 i + 2 (lane % 4) + {0, 1} that a lane holds, it
// gets all heads of some queries, so that Eq. 10's sum over the heads of a group is additions of its own registers, in
// one fixed order. Where a group has more heads than a lane has columns, two or four neighbouring lanes share a query.
//
// Fields: element, dk, group, query_lanes (that share a query: 1, 2 or 4), columns, l, d, l_sel.

#include "common/async_copy.cuh"
#include "common/sequence.cuh"
#include "common/warp.cuh"
#include "nsajit/scoring_args.h"
#include "scoring/block_rule.cuh"

namespace nsajit::scoring {

inline constexpr float kLog2E = 1.4426950408889634f;

template <class Fields>
struct QueryColumns {
  static constexpr int kColumns = Fields::columns;
  static constexpr int kOwn = kColumns / 4;  // columns of a lane
  static constexpr int kLanes = Fields::query_lanes;
  static constexpr int kHeads = ceil_div(Fields::group, kLanes);  // of a query in a lane; the last one may have fewer
  static constexpr int kQueriesOfLane = kOwn / kHeads;
  static constexpr int kUsed = kQueriesOfLane * kHeads;  // of a lane's columns; the others are zeros
  static constexpr int kQueries = 4 / kLanes * kQueriesOfLane;
  static_assert(kQueriesOfLane > 0, "the lanes of a query hold all its heads");
  using Scores = float[kOwn / 2][4];  // [i][2 * half + j]: row lane / 4 + 8 * half, place 2 * i + j of the lane

  // The lane's n-th query.
  static __device__ __forceinline__ int query(int lane, int n) { return lane % 4 / kLanes + 4 / kLanes * n; }
  static __device__ __forceinline__ int column(int lane, int place) { return place / 2 * 8 + lane % 4 * 2 + place % 2; }

  struct Place {
    int query;
    int head;
    bool used;
  };
  static __device__ __forceinline__ Place find(int column) {
    const uint32 place = column / 8 * 2 + column % 2;
    const uint32 lane = column % 8 / 2;
    const int nth = place / kHeads;
    const int head = static_cast<int>(lane % kLanes * kHeads + place - nth * kHeads);
    return {query(static_cast<int>(lane), nth), head, nth < kQueriesOfLane && head < Fields::group};
  }

  // Starts to copy the heads of `count` queries from q, a column each, by kThreads threads: the 16 bytes of chunk `chunk` of a
  // column to address(column, chunk). The other columns become zero.
  template <int kThreads, class Element, class Address>
  static __device__ __forceinline__ void copy(const nsajit_scoring_args& args, const Element* q, int count, int thread,
                                              Address&& address) {
    constexpr int kElements = 16 / sizeof(Element);  // of a chunk
    constexpr int kChunks = Fields::dk / kElements;
    const auto copy_chunk = [&](int column, int chunk) {
      const Place at = find(column);
      const bool real = at.used && at.query < count;
      copy_16_async<CopyPath::kL2Only>(
          address(column, chunk), real ? q + at.query * args.q_s + at.head * args.q_h + chunk * kElements : q, real ? 16 : 0);
    };
    if constexpr (kThreads % kChunks == 0 && kColumns * kChunks % kThreads == 0) {
      const int chunk = thread % kChunks;
      const int first = thread / kChunks;
#pragma unroll 4  // by threads with few registers
      for (int down = 0; down < kColumns; down += kThreads / kChunks) copy_chunk(down + first, chunk);
    } else {
      for (int i = thread; i < kColumns * kChunks; i += kThreads) copy_chunk(i / kChunks, i % kChunks);
    }
  }
};

// The consecutive queries of a CTA, and which blocks each may choose.
template <class Fields, int kQueries>
struct CtaQueries {
  Sequence sequence;
  int64 first;
  int count;  // 0: there is nothing to do
  int first_position;

  // Block `block` of sequence b. Late queries first: they see the most keys.
  __device__ __forceinline__ CtaQueries(const nsajit_scoring_args& args, int64 b, int64 block)
      : sequence(find_sequence(args, b)) {
    const int64 ctas = (sequence.rows + kQueries - 1) / kQueries;
    const int64 cta = ctas - 1 - block;
    first = cta < 0 ? 0 : cta * kQueries;
    const int64 left = sequence.rows - first;
    count = cta < 0 ? 0 : left < kQueries ? static_cast<int>(left) : kQueries;
    first_position = static_cast<int>(sequence.position + first);
  }

  // Row of the first query in q and in what is stored per row. Found anew: while keys stream by, no register waits for it.
  __device__ __forceinline__ int64 find_first_row(const nsajit_scoring_args& args, int64 b) const {
    asm volatile("" : "+l"(b));
    const Sequence again = find_sequence(args, b);
    return again.first_row + first_position - again.position;
  }

  __device__ __forceinline__ int position(int query) const { return first_position + query; }
  __device__ __forceinline__ int seen(int query) const { return seen_keys<Fields>(position(query), sequence.keys); }
  __device__ __forceinline__ int local(int query) const { return static_cast<uint32>(position(query)) / Fields::l_sel; }
  __device__ __forceinline__ BlockRule rule(int query) const { return {local(query)}; }
  __device__ __forceinline__ int candidates_end(int query) const { return rule(query).candidates_end(); }
  __device__ __forceinline__ int tail(int query, int n) const { return rule(query).tail(n); }
  __device__ __forceinline__ int wanted(int query, int n) const { return rule(query).wanted(n); }
  // Whether the scores decide anything: else all candidates are in, or none.
  __device__ __forceinline__ bool decides(int query, int n) const {
    const int places = wanted(query, n);
    return places > 0 && candidates_end(query) - 1 > places;
  }
  // Keys that scores of candidates depend on.
  __device__ __forceinline__ int scored_keys() const {
    return min(seen(count - 1), candidates_end(count - 1) * (Fields::l_sel / Fields::d));
  }
};

// Softmax sums of a lane's columns over the keys of its rows; 2^(score * scale2 + offset) is what is added, with an offset
// that follows the maximum when it is exceeded by 2^kSlack.
template <class Fields>
class ColumnSums {
 public:
  using Columns = QueryColumns<Fields>;
  static constexpr float kSlack = 8.0f;
  static constexpr float kNothingYet = 1e30f;  // an offset above all others

  __device__ __forceinline__ ColumnSums() {
#pragma unroll
    for (int place = 0; place < Columns::kOwn; ++place) {
      offset_[place] = kNothingYet;
      sum_[place] = 0.0f;
    }
  }

  __device__ __forceinline__ void add(const typename Columns::Scores& s, float scale2) {
    bool above = false;
#pragma unroll
    for (int place = 0; place < Columns::kUsed; ++place) above |= fmaf(top(s, place), scale2, offset_[place]) > kSlack;
    if (__any_sync(kAllLanes, above)) move(s, scale2);
#pragma unroll
    for (int place = 0; place < Columns::kUsed; ++place) {
#pragma unroll
      for (int half = 0; half < 2; ++half)
        sum_[place] += exp2_fast(fmaf(s[place / 2][2 * half + place % 2], scale2, offset_[place]));
    }
  }

  // Adds up the eight lanes that hold the same columns; store(place, offset, sum) for those of them that this lane ends with.
  template <class Store>
  __device__ __forceinline__ void reduce(int lane, Store&& store) {
    int base = 0;
    halve<Columns::kOwn, 16>(lane, base);
    halve<Columns::kOwn / 2, 8>(lane, base);
    halve<Columns::kOwn / 4, 4>(lane, base);
#pragma unroll
    for (int i = 0; i < Columns::kOwn / 8; ++i) store(base + i, offset_[i], sum_[i]);
  }

  static __device__ __forceinline__ void combine(float& offset, float& sum, float other_offset, float other_sum) {
    const float least = fminf(offset, other_offset);
    sum = sum * exp2_fast(least - offset) + other_sum * exp2_fast(least - other_offset);
    offset = least;
  }

 private:
  static __device__ __forceinline__ float top(const typename Columns::Scores& s, int place) {
    return fmaxf(s[place / 2][place % 2], s[place / 2][2 + place % 2]);
  }

  __device__ __forceinline__ void move(const typename Columns::Scores& s, float scale2) {
#pragma unroll
    for (int place = 0; place < Columns::kUsed; ++place) {
      const float highest = top(s, place) * scale2;
      if (highest + offset_[place] > kSlack) {  // by its own scores alone: what others of the warp see does not change it
        sum_[place] *= exp2_fast(-highest - offset_[place]);
        offset_[place] = -highest;
      }
    }
  }

  // Of kCount columns this lane keeps one half, the lane across `kLane` the other.
  template <int kCount, int kLane>
  __device__ __forceinline__ void halve(int lane, int& base) {
    const bool upper = (lane & kLane) != 0;
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      const float given_offset = upper ? offset_[i] : offset_[i + kCount / 2];
      const float given_sum = upper ? sum_[i] : sum_[i + kCount / 2];
      offset_[i] = upper ? offset_[i + kCount / 2] : offset_[i];
      sum_[i] = upper ? sum_[i + kCount / 2] : sum_[i];
      combine(offset_[i], sum_[i], __shfl_xor_sync(kAllLanes, given_offset, kLane), __shfl_xor_sync(kAllLanes, given_sum, kLane));
    }
    base += upper ? kCount / 2 : 0;
  }

  float offset_[Columns::kOwn];
  float sum_[Columns::kOwn];
};

}  // namespace nsajit::scoring
