#pragma once
// BlockChoice: from sums of probabilities per key to the best n blocks of each query, while the keys stream by.
//
// Probabilities of a tile of keys, summed over the heads, lie in a ring in shared memory; a warp turns those of a query to
// scores of blocks (Eq. 9), a block per lane, and keeps the blocks that are better than the threshold, in rising order. When
// they might outgrow their room, the best are found by bisecting the bits of the score, and the threshold rises. Nothing
// grows with the length of the sequence. Where scores are equal, the lower block stays.
//
// Fields: l, d, l_sel, n_sel, group, columns, ranges (1: ranges are written, else block indices), ranges_v2 (1: ranges are
// formed by all lanes at once, else entry by entry).

#include "scoring/query_columns.cuh"

namespace nsajit::scoring {

// kTile: keys of a tile; kWarps: that share the queries of the CTA.
template <class Fields, int kTile, int kWarps>
class BlockChoice {
 public:
  using Columns = QueryColumns<Fields>;
  using Queries = CtaQueries<Fields, Columns::kQueries>;
  static constexpr int kBlockKeys = Fields::l_sel / Fields::d;
  static constexpr int kBefore = Fields::l / Fields::d - 1;  // keys that begin before a block and reach into it
  static constexpr int kSpan = kBlockKeys + kBefore;
  static constexpr int kTake = larger(128 / kTile, 1);  // tiles between two readings, so that a warp has 32 blocks to read
  // Tiles that are read, and the one before, into which their first block reaches; those that may be written meanwhile.
  static constexpr int kRingTiles = 2 * kTake + 1;
  static constexpr int kRing = kRingTiles * kTile;
  static constexpr bool kAligned = kRing % kBlockKeys == 0;
  static constexpr int kPitch = kRing + 8;  // lanes of 4 queries and 8 keys use 32 banks
  static constexpr int kSlots = ceil_div(Fields::n_sel, 32) + 1;
  static constexpr int kBatch = smaller(ceil_div(Columns::kQueries, kWarps), 4);  // queries that a warp reads together
  static constexpr int kRoom = 32 * kSlots;                                       // blocks kept of a query
  static constexpr int kSumBytes = larger(Columns::kQueries * kPitch * 4, kWarps* Columns::kColumns * 8);
  static constexpr int kLseBytes = Columns::kColumns * 4;
  static constexpr int kBytes = kSumBytes + kLseBytes + Columns::kQueries * (kRoom * 8 + 8);
  static_assert(kRoom < 1024, "a count of blocks takes ten bits");
  static_assert(kSpan <= kTile, "the keys of a block reach one tile back at most");

  const nsajit_scoring_args& args;
  const Queries& queries;
  float* sums;       // [query][kPitch]; before them, the softmax sums of each warp
  float* lse;        // [column], of 2^x, negative
  int* kept_scores;  // [query][kRoom], bits of them
  int* kept_blocks;
  int2* states;  // [query]: blocks kept, and the bits of the score that the next ones have to exceed

  __device__ __forceinline__ BlockChoice(const nsajit_scoring_args& arguments, const Queries& cta_queries, char* shared)
      : args(arguments),
        queries(cta_queries),
        sums(reinterpret_cast<float*>(shared)),
        lse(sums + kSumBytes / 4),
        kept_scores(reinterpret_cast<int*>(lse + Columns::kColumns)),
        kept_blocks(kept_scores + Columns::kQueries * kRoom),
        states(reinterpret_cast<int2*>(kept_blocks + Columns::kQueries * kRoom)) {}

  // Requires: one warp of kWarps, `warp` of them, the same for each query every time.
  __device__ __forceinline__ void begin(int warp, int lane) const {
    for (int query = warp; query < queries.count; query += kWarps)
      if (lane == 0) states[query] = make_int2(0, -1);
    __syncwarp();
  }

  // Whether blocks are read after this tile; the same for all warps.
  static __device__ __forceinline__ bool takes(int tile, bool last) { return (tile + 1) % kTake == 0 || last; }

  // Reads the blocks that the newest tiles complete; after the last one, those that have fewer keys too.
  __device__ __forceinline__ void take_tiles(int tile, bool last, int warp, int lane) const {
    const int begin = max(1, (tile - tile % kTake) * kTile / kBlockKeys);
    const int complete = (tile + 1) * kTile / kBlockKeys;
    const int all = queries.candidates_end(queries.count - 1);
    take_blocks<false>(begin, min(complete, all), tile, warp, lane);
    if (last && complete < all) take_blocks<true>(max(begin, complete), all, tile, warp, lane);
  }

  __device__ __forceinline__ void write(const Item& item, int warp, int lane) const {
    int* const sel = locate(args.sel, args.sel_b, args.sel_s, args.sel_g, item, queries.sequence.first_row + queries.first);
    for (int query = warp; query < queries.count; query += kWarps) {
      const int wanted = queries.wanted(query, args.n);
      const int candidates = queries.candidates_end(query) - 1;
      Chosen chosen{nullptr, min(candidates, wanted), queries.tail(query, args.n), queries.local(query), 0};
      if (queries.decides(query, args.n)) {
        int2 state = states[query];
        if (state.x > wanted) keep_best(query, wanted, state, lane);
        chosen.blocks = kept_blocks + query * kRoom;
      }
      chosen.count = 1 + chosen.middle + chosen.tail;
      int* const to = sel + query * args.sel_s;
      if constexpr (Fields::ranges) {
        write_ranges(chosen, queries.position(query), to, lane);
      } else {
        for (int i = lane; i < args.n; i += 32) to[i] = i < chosen.count ? chosen.at(i) : -1;
      }
    }
  }

 private:
  // The blocks of a row, ascending: 0, those of the middle, then the last one or two.
  struct Chosen {
    const int* blocks;  // of the middle; null: 1, 2, 3, ..
    int middle;
    int tail;
    int local;
    int count;
    __device__ __forceinline__ int at(int i) const {
      if (i <= middle) return i == 0 || blocks == nullptr ? i : blocks[i - 1];
      return local - (count - 1 - i);
    }
  };

  // `slot`: of the block's first own key. kPartial: keys behind `keys` were never there.
  template <bool kPartial>
  __device__ __forceinline__ float score(int query, int block, int slot, int keys) const {
    const float* const row = sums + query * kPitch;
    float own[kBlockKeys];
    if constexpr (kAligned && kBlockKeys % 4 == 0 && kBlockKeys <= 16) {
#pragma unroll
      for (int o = 0; o < kBlockKeys; o += 4) {
        const float4 four = *reinterpret_cast<const float4*>(row + slot + o);
        own[o] = four.x;
        own[o + 1] = four.y;
        own[o + 2] = four.z;
        own[o + 3] = four.w;
      }
    }
    float total = 0.0f;
#pragma unroll(kSpan <= 20 ? kSpan : 4)
    for (int o = -kBefore; o < kBlockKeys; ++o) {
      const int key = block * kBlockKeys + o;
      if (kBefore > kBlockKeys && key < 0) continue;
      if (kPartial && key >= keys) continue;
      const int begin = o * Fields::d;  // relative to the block
      const int overlap = min(begin + Fields::l, Fields::l_sel) - max(begin, 0);
      const float weight = static_cast<float>(overlap) / static_cast<float>(Fields::l);
      if (kAligned && kBlockKeys % 4 == 0 && kBlockKeys <= 16 && o >= 0) {
        total = fmaf(weight, own[o], total);
        continue;
      }
      int at = slot + o;
      if (o < 0) at += at < 0 ? kRing : 0;
      if (!kAligned) at -= at >= kRing ? kRing : 0;
      total = fmaf(weight, row[at], total);
    }
    return total;
  }

  template <bool kPartial>
  __device__ __forceinline__ void take_blocks(int begin, int end, int tile, int warp, int lane) const {
    for (int base = begin; base < end; base += 32) {
      const int block = base + lane;
      const int slot = static_cast<uint32>(min(block, end - 1) * kBlockKeys) % kRing;  // what lies behind is being written
      for (int query = warp; query < queries.count; query += kWarps * kBatch) {
        int2 state[kBatch];
        int bits[kBatch];
        uint32 mask[kBatch];
#pragma unroll
        for (int i = 0; i < kBatch; ++i) {  // independent of each other: their latencies overlap
          const bool real = query + i * kWarps < queries.count;
          const int nth = real ? query + i * kWarps : query;  // of this warp in any case
          state[i] = states[nth];
          const float value = score<kPartial>(nth, block, slot, (tile + 1) * kTile);
          const bool there = real && block < min(end, queries.candidates_end(nth));
          bits[i] = there ? __float_as_int(value) & 0x7fffffff : -1;
        }
#pragma unroll
        for (int i = 0; i < kBatch; ++i) mask[i] = __ballot_sync(kAllLanes, bits[i] > state[i].y);
#pragma unroll
        for (int i = 0; i < kBatch; ++i)
          if (mask[i] != 0) keep(query + i * kWarps, state[i], bits[i], block, mask[i], lane);
      }
    }
  }

  // Adds the blocks of the lanes in `mask`, which exceed the threshold.
  __device__ __forceinline__ void keep(int query, int2 state, int bits, int block, uint32 mask, int lane) const {
    if (state.x + __popc(mask) > kRoom) {
      keep_best(query, queries.wanted(query, args.n), state, lane);
      mask = __ballot_sync(kAllLanes, bits > state.y);
    }
    if (mask >> lane & 1) {
      const int at = query * kRoom + state.x + __popc(mask & ((1u << lane) - 1));
      kept_scores[at] = bits;
      kept_blocks[at] = block;
    }
    if (lane == 0) states[query] = make_int2(state.x + __popc(mask), state.y);
    __syncwarp();
  }

  // A score that `wanted` blocks reach, or the wanted-th best one where more share it. Two bits at a time, from the first
  // one that the lowest and the highest do not have in common.
  static __device__ __forceinline__ uint32 bisect(const uint32 (&bits)[kSlots], int wanted, uint32 lowest, uint32 highest) {
    if (lowest == highest) return highest;
    int shift = 31 - __clz(lowest ^ highest) & ~1;
    uint32 least = highest & ~(0xffffffffu >> (30 - shift));
    for (; shift >= 0; shift -= 2) {
      uint32 counts = 0;  // of blocks that reach each of three thresholds, ten bits each
#pragma unroll
      for (int slot = 0; slot < kSlots; ++slot) {
        counts += bits[slot] >= (least | 1u << shift) ? 1u : 0u;
        counts += bits[slot] >= (least | 2u << shift) ? 1u << 10 : 0u;
        counts += bits[slot] >= (least | 3u << shift) ? 1u << 20 : 0u;
      }
      counts = __reduce_add_sync(kAllLanes, counts);
      const int one = counts & 1023;
      const int two = counts >> 10 & 1023;
      const int three = counts >> 20;
      if (one < wanted) continue;
      const int reach = three >= wanted ? three : two >= wanted ? two : one;
      least |= (three >= wanted ? 3u : two >= wanted ? 2u : 1u) << shift;
      if (reach == wanted) break;
    }
    return least;
  }

  // Of more than `wanted` blocks the best, in their order. The threshold becomes a score that so many reach.
  __device__ __forceinline__ void keep_best(int query, int wanted, int2& state, int lane) const {
    int* const scores = kept_scores + query * kRoom;
    int* const blocks = kept_blocks + query * kRoom;
    uint32 bits[kSlots];  // 0 where there is no block: behind all others, and so never in
    int block[kSlots];
    uint32 lowest = 0xffffffffu;
    uint32 highest = 0;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      const int at = slot * 32 + lane;
      const bool there = at < state.x;
      bits[slot] = there ? scores[at] : 0;
      block[slot] = there ? blocks[at] : 0;
      lowest = min(lowest, there ? bits[slot] : lowest);
      highest = max(highest, bits[slot]);
    }
    const uint32 least = bisect(bits, wanted, __reduce_min_sync(kAllLanes, lowest), __reduce_max_sync(kAllLanes, highest));
    __syncwarp();  // all lanes have read what is overwritten below
    int above = 0;
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) above += __popc(__ballot_sync(kAllLanes, bits[slot] > least));
    const uint32 before = (1u << lane) - 1;
    int kept = 0;
    int equal = wanted - above;  // places for blocks of just this score
#pragma unroll
    for (int slot = 0; slot < kSlots; ++slot) {
      const uint32 ties = __ballot_sync(kAllLanes, bits[slot] == least);
      const bool in = bits[slot] > least || (bits[slot] == least && __popc(ties & before) < equal);
      equal -= __popc(ties);
      const uint32 mask = __ballot_sync(kAllLanes, in);
      if (in) {
        scores[kept + __popc(mask & before)] = bits[slot];
        blocks[kept + __popc(mask & before)] = block[slot];
      }
      kept += __popc(mask);
    }
    state = make_int2(wanted, static_cast<int>(least));
    __syncwarp();
  }

  static __device__ __forceinline__ int range_end(int block, int position) {
    return min(block * Fields::l_sel + (Fields::l_sel - 1), position) + 1;
  }

  __device__ __forceinline__ void write_ranges(const Chosen& chosen, int position, int* to, int lane) const {
    int used = 0;
    if constexpr (Fields::ranges_v2) {
      for (int base = 0; base < chosen.count; base += 32) {
        const int i = base + lane;
        const bool there = i < chosen.count;
        const int block = there ? chosen.at(i) : 0;
        int before = __shfl_up_sync(kAllLanes, block, 1);
        int after = __shfl_down_sync(kAllLanes, block, 1);
        if (lane == 0 && base > 0) before = chosen.at(base - 1);
        if (lane == 31 && i + 1 < chosen.count) after = chosen.at(i + 1);
        const bool begins = there && (i == 0 || before + 1 != block);
        const bool ends = there && (i + 1 == chosen.count || after != block + 1);
        const uint32 mask = __ballot_sync(kAllLanes, begins);
        const int range = used + __popc(mask & (0xffffffffu >> (31 - lane))) - 1;
        if (begins) to[2 * range] = block * Fields::l_sel;
        if (ends) to[2 * range + 1] = range_end(block, position);
        used += __popc(mask);
      }
    } else {
      if (lane == 0) {
        int before = -2;
        for (int i = 0; i < chosen.count; ++i) {
          const int block = chosen.at(i);
          if (block != before + 1) to[2 * used++] = block * Fields::l_sel;
          to[2 * used - 1] = range_end(block, position);
          before = block;
        }
      }
      used = __shfl_sync(kAllLanes, used, 0);
    }
    for (int i = 2 * used + lane; i < 2 * args.n; i += 32) to[i] = 0;
  }
};

// What the kernels do with the scores of a tile: softmax sums first, where the caller has none, then probabilities.
template <class Fields, int kTile, int kWarps>
class TileScores {
 public:
  using Columns = QueryColumns<Fields>;
  using Choice = BlockChoice<Fields, kTile, kWarps>;
  using Scores = typename Columns::Scores;

  const Choice& choice;
  float scale2;
  int seen_by_all;  // keys
  int row;          // of the tile: this lane's first one
  int warp;
  int lane;

  // Scores of keys that a query does not see become -inf.
  __device__ __forceinline__ void mask(Scores& s, int tile) const {
#pragma unroll
    for (int nth = 0; nth < Columns::kQueriesOfLane; ++nth) {
      const int seen = choice.queries.seen(Columns::query(lane, nth)) - tile * kTile - row;
#pragma unroll
      for (int place = nth * Fields::group; place < (nth + 1) * Fields::group; ++place) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
          if (8 * half >= seen) s[place / 2][2 * half + place % 2] = negative_infinity();
      }
    }
  }

  __device__ __forceinline__ void add(ColumnSums<Fields>& column_sums, Scores& s, int tile) const {
    if ((tile + 1) * kTile > seen_by_all) mask(s, tile);
    column_sums.add(s, scale2);
  }

  // Sums of all warps to the log-sum-exp of each column. All kWarps call it; `sync` is a barrier among them.
  template <class Sync>
  __device__ __forceinline__ void merge(ColumnSums<Fields>& column_sums, Sync&& sync) const {
    float2* const partial = reinterpret_cast<float2*>(choice.sums);  // [warp][column]
    column_sums.reduce(lane, [&](int place, float offset, float sum) {
      partial[warp * Columns::kColumns + Columns::column(lane, place)] = make_float2(offset, sum);
    });
    sync();
    for (int column = warp * 32 + lane; column < Columns::kColumns; column += 32 * kWarps) {
      float2 all = partial[column];
#pragma unroll
      for (int other = 1; other < kWarps; ++other) {
        const float2 more = partial[other * Columns::kColumns + column];
        ColumnSums<Fields>::combine(all.x, all.y, more.x, more.y);
      }
      choice.lse[column] = all.x - log2f(all.y);
    }
    sync();
  }

  // The caller's log-sum-exp.
  template <class Sync>
  __device__ __forceinline__ void read_lse(const Item& item, Sync&& sync) const {
    const nsajit_scoring_args& args = choice.args;
    const float* const from =
        locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, choice.queries.sequence.first_row + choice.queries.first);
    for (int column = warp * 32 + lane; column < Columns::kColumns; column += 32 * kWarps) {
      const auto at = Columns::find(column);
      const bool real = at.used && at.query < choice.queries.count;
      choice.lse[column] = real ? from[at.query * args.lse_s + at.head * args.lse_h] * -kLog2E : 0.0f;
    }
    sync();
  }

  __device__ __forceinline__ void load_lse(float (&lse)[Columns::kOwn]) const {
#pragma unroll
    for (int place = 0; place < Columns::kOwn; place += 2) {
      const float2 pair = *reinterpret_cast<const float2*>(choice.lse + Columns::column(lane, place));
      lse[place] = pair.x;
      lse[place + 1] = pair.y;
    }
  }

  // Probabilities, summed over the heads, to the ring.
  __device__ __forceinline__ void store_sums(Scores& s, const float (&lse)[Columns::kOwn], int tile) const {
    if ((tile + 1) * kTile > seen_by_all) mask(s, tile);
    float* const to = choice.sums + tile % Choice::kRingTiles * kTile + row;
#pragma unroll
    for (int nth = 0; nth < Columns::kQueriesOfLane; ++nth) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float sum = 0.0f;
#pragma unroll
        for (int place = nth * Fields::group; place < (nth + 1) * Fields::group; ++place)
          sum += exp2_fast(fmaf(s[place / 2][2 * half + place % 2], scale2, lse[place]));
        to[Columns::query(lane, nth) * Choice::kPitch + 8 * half] = sum;
      }
    }
  }
};

}  // namespace nsajit::scoring
