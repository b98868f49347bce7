#pragma once
// SortedChoice: a few lanes share a query, each of them keeps the best scores that it has seen as a sorted list in registers,
// and writes every score to a row in shared memory. Merging the lists of a query's lanes gives the score that just as many
// blocks reach as are wanted; whoever reaches it is collected from the row, in rising order. When the row is full, and at the
// end. No lane waits for a vote while blocks stream by. For few blocks: a list takes a register for each.
//
// Where scores are equal, the lower block is in. Nothing grows with the length of the sequence.
//
// Fields: those of block_ring.cuh and chosen_blocks.cuh, n_sel, room (blocks of a row).

#include "scoring/choice_memory.cuh"
#include "scoring/query_lanes.cuh"

namespace nsajit::scoring {

// The kCount highest of the bits of scores, falling.
template <int kCount>
struct TopScores {
  int bits[kCount];

  // The first `full` places are taken by something better than all scores.
  __device__ __forceinline__ void clear(int full) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) bits[i] = i < full ? 0x7fffffff : -1;
  }

  __device__ __forceinline__ void insert(int score) {
#pragma unroll
    for (int i = kCount - 1; i > 0; --i) bits[i] = max(bits[i], min(bits[i - 1], score));
    bits[0] = max(bits[0], score);
  }

  // Four at a time: sorted themselves, the best of them take the last places, which are sorted in.
  __device__ __forceinline__ void insert(const int (&scores)[4]) {
    const auto order = [](int& high, int& low) {
      const int lower = min(high, low);
      high = max(high, low);
      low = lower;
    };
    int four[4] = {scores[0], scores[1], scores[2], scores[3]};
    order(four[0], four[1]);
    order(four[2], four[3]);
    order(four[0], four[2]);
    order(four[1], four[3]);
    order(four[1], four[2]);
#pragma unroll
    for (int i = 0; i < 4; ++i) bits[kCount - 1 - i] = max(bits[kCount - 1 - i], four[i]);
    sort();
  }

  // The highest of both lists, unsorted: falling, then rising.
  __device__ __forceinline__ void meet(int lane_mask) {
    int other[kCount];
#pragma unroll
    for (int i = 0; i < kCount; ++i) other[i] = __shfl_xor_sync(kAllLanes, bits[kCount - 1 - i], lane_mask);
#pragma unroll
    for (int i = 0; i < kCount; ++i) bits[i] = max(bits[i], other[i]);
  }

  // Sorts what first falls, then rises.
  __device__ __forceinline__ void sort() {
    constexpr int kAll = kCount > 16 ? 32 : kCount > 8 ? 16 : kCount > 4 ? 8 : 4;
    constexpr int kPad = kAll - kCount;  // places at the end, higher than all others: they move to the front
    int all[kAll];
#pragma unroll
    for (int i = 0; i < kAll; ++i) all[i] = i < kCount ? bits[i] : 0x7fffffff;
#pragma unroll
    for (int stride = kAll / 2; stride > 0; stride /= 2) {
#pragma unroll
      for (int i = 0; i < kAll; ++i) {
        if ((i & stride) != 0) continue;
        const int high = max(all[i], all[i + stride]);
        all[i + stride] = min(all[i], all[i + stride]);
        all[i] = high;
      }
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) bits[i] = all[i + kPad];
  }
};

template <class Fields, int kTile, int kWarps>
class SortedChoice : public ChoiceMemory<Fields, kTile, kWarps> {
 public:
  using Memory = ChoiceMemory<Fields, kTile, kWarps>;
  using typename Memory::Columns;
  using typename Memory::Queries;
  using typename Memory::Ring;
  static constexpr int kQueries = Columns::kQueries;
  static constexpr int kBest = larger(Fields::n_sel - 3, 1);  // block 0 and the two local ones are in without a score
  static constexpr int kRoom = Fields::room;
  static constexpr int kRowPitch = kRoom + 8;  // lanes of 4 queries and 8 blocks use 32 banks
  // Queries that a warp takes together, so that all warps have some.
  static constexpr int kTogether = kQueries >= 4 * kWarps ? 4 : kQueries >= 2 * kWarps ? 2 : 1;
  using Lanes = QueryLanes<kTogether>;
  static constexpr int kLanes = Lanes::kCount;                           // of a query
  static constexpr int kRounds = ceil_div(kQueries, kTogether* kWarps);  // in which a warp has taken all its queries
  static constexpr int kBytes = ceil_div(Memory::kBytes + kQueries * (kRowPitch * 4 + kBest * 8), 16) * 16;
  static_assert(kRoom >= 64 && kRoom % 32 == 0, "what is read at a time fits twice");
  static_assert(kRoom <= 32 * kLanes, "each lane of a query collects 32 blocks");

  struct Best {
    TopScores<kBest> tops[kRounds];
    int first;  // block of the row's first place
    int end;    // behind the last one in the row
  };

  int* rows;         // [query][kRowPitch]: bits of scores
  int* kept_scores;  // [query][kBest]: of blocks before `first`, -1: no block
  int* kept_blocks;

  __device__ __forceinline__ SortedChoice(const nsajit_scoring_args& args, const Queries& queries, char* shared)
      : Memory(args, queries, shared),
        rows(reinterpret_cast<int*>(shared + Memory::kBytes)),
        kept_scores(rows + kQueries * kRowPitch),
        kept_blocks(kept_scores + kQueries * kBest) {}

  // Requires: one warp of kWarps, `warp` of them, the same for each query every time.
  __device__ __forceinline__ void begin(Best& best, int warp, int lane) const {
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      best.tops[round].clear(lane < kTogether ? Fields::n_sel - this->args.n : 0);
      for (int nth = 0; nth < kTogether; ++nth) {
        const int query = query_of(round * kWarps + warp, nth);
        if (query < kQueries && lane < kBest) kept_scores[query * kBest + lane] = -1;
      }
    }
    best.first = best.end = 1;
    __syncwarp();
  }

  // Reads the blocks that the newest tiles complete; after the last one, those that have fewer keys too, then collects what
  // is left. There is one place that collects: it is long, and takes time to compile.
  __device__ __forceinline__ void take_tiles(Best& best, int tile, bool last, int warp, int lane) const {
    const int complete = Ring::end(tile);
    const int all = this->queries.candidates_end(this->queries.count - 1);
    const int end = last ? all : min(complete, all);
    int base = Ring::begin(tile);
    bool done = base >= end;
    if (done && !last) return;
    for (;;) {
      const int behind = min(base + 32, end);
      if (done || behind - best.first > kRoom) {
        collect(best, warp, lane);
        best.first = base;
        if (done) return;
      }
      if (behind <= complete) {
        take<false>(best, base, behind, tile, warp, lane);
      } else {
        take<true>(best, base, behind, tile, warp, lane);
      }
      best.end = behind;
      base += 32;
      done = base >= end;
      if (done && !last) return;
    }
  }

  // visit(query, its best blocks, whether those decide: else all candidates are in, or none) for all queries of the warp,
  // kTogether of them at once; a query behind the last one where there are fewer.
  template <class Visit>
  __device__ __forceinline__ void finish(Best&, int warp, int lane, Visit&& visit) const {
    for (int round = 0; round < kRounds; ++round) {
      const int group = round * kWarps + warp;
      if (query_of(group, 0) >= this->queries.count) break;
      const int query = query_of(group, lane % kTogether);
      const bool decides = query < this->queries.count && this->queries.decides(query, this->args.n);
      visit(query, kept_blocks + query * kBest, decides);
    }
  }

 private:
  // The nth query of a group. Two that are read together are two apart where there are four: their scores lie in other banks.
  static __device__ __forceinline__ int query_of(int group, int nth) {
    if constexpr (kTogether == 2 && kQueries % 4 == 0) return group / 2 * 4 + group % 2 + 2 * nth;
    return group * kTogether + nth;
  }

  // All queries of the warp together: the latencies of their reads overlap.
  template <bool kPartial>
  __device__ __forceinline__ void take(Best& best, int base, int behind, int tile, int warp, int lane) const {
    int bits[kRounds][kTogether];
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      const int own = query_of(round * kWarps + warp, lane % kTogether);
      const int query = min(own, kQueries - 1);
      const bool real = own < this->queries.count;
      const int candidates = real ? min(behind, this->queries.candidates_end(query)) : 0;
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        const int block = base + i * kLanes + Lanes::nth(lane);
        const int there = min(block, behind - 1);  // what lies behind is being written
        const float value = this->ring.template score<kPartial>(query, there, Ring::slot(there), (tile + 1) * kTile);
        bits[round][i] = block < candidates ? __float_as_int(value) & 0x7fffffff : -1;
      }
    }
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      const int query = query_of(round * kWarps + warp, lane % kTogether);
      int* const row = rows + query * kRowPitch - best.first;
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        const int block = base + i * kLanes + Lanes::nth(lane);
        if (query < this->queries.count && block < behind) row[block] = bits[round][i];
      }
    }
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      if constexpr (kTogether == 4 && kBest >= 8) {
        best.tops[round].insert(bits[round]);
      } else {
#pragma unroll
        for (int i = 0; i < kTogether; ++i) best.tops[round].insert(bits[round][i]);
      }
    }
  }

  // What is in the rows, to the blocks that are kept: those of higher scores than `least`, and the first `equal` of just it.
  __device__ __forceinline__ void collect(const Best& best, int warp, int lane) const {
    __syncwarp();
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      const int group = round * kWarps + warp;
      if (query_of(group, 0) >= this->queries.count) break;
      TopScores<kBest> top = best.tops[round];
#pragma unroll
      for (int mask = kTogether; mask < 32; mask *= 2) {
        top.meet(mask);
        if (mask < 16) top.sort();
      }
      int least = top.bits[0];  // -1: there are fewer than are wanted
#pragma unroll
      for (int i = 1; i < kBest; ++i) least = min(least, top.bits[i]);
      int equal = 0;
#pragma unroll
      for (int i = 0; i < kBest; ++i) equal += top.bits[i] == least ? 1 : 0;
      const int query = query_of(group, lane % kTogether);
      const bool real = query < this->queries.count;
      // A lane without a query goes along with the first one of its warp: the rows of other warps are being written.
      Keeper keeper{*this, real ? query : query_of(group, 0), lane, real ? least : 0x7fffffff, equal, 0};
      if (best.first > 1) keeper.keep_old();
      keeper.keep_row(best.first, best.end);
      if (real) keeper.close();
    }
    __syncwarp();
  }

  // The lanes of a query decide together who stays.
  struct Keeper {
    const SortedChoice& choice;
    int query;
    int lane;
    int least;
    int equal;
    int kept;

    __device__ __forceinline__ bool ties(int bits) const { return bits == least && bits >= 0; }
    __device__ __forceinline__ void put(int at, int bits, int block) const {
      choice.kept_scores[query * kBest + at] = bits;
      choice.kept_blocks[query * kBest + at] = block;
    }

    __device__ __forceinline__ void keep_old() {
      constexpr int kSteps = ceil_div(kBest, kLanes);
      int bits[kSteps];
      int block[kSteps];
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        const int i = step * kLanes + Lanes::nth(lane);
        bits[step] = i < kBest ? choice.kept_scores[query * kBest + i] : -1;
        block[step] = i < kBest ? choice.kept_blocks[query * kBest + i] : 0;
      }
      __syncwarp();  // all lanes have read what is overwritten below
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        const uint32 same = Lanes::ballot(ties(bits[step]), lane);
        const bool in = bits[step] > least || (ties(bits[step]) && __popc(same & Lanes::before(lane)) < equal);
        equal -= __popc(same);
        const uint32 mask = Lanes::ballot(in, lane);
        if (in) put(kept + __popc(mask & Lanes::before(lane)), bits[step], block[step]);
        kept += __popc(mask);
      }
    }

    __device__ __forceinline__ void keep_row(int first, int end) {
      constexpr int kGroups = kRoom / 32;
      const int* const row = choice.rows + query * kRowPitch;
      uint32 above[kGroups];  // of 32 blocks each: bits of those that this lane reads
      uint32 same[kGroups];
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        above[group] = same[group] = 0;
        if (group * 32 >= end - first) continue;
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
          const int bit = i * kLanes + Lanes::nth(lane);
          const int bits = group * 32 + bit < end - first ? row[group * 32 + bit] : -1;
          above[group] |= bits > least ? 1u << bit : 0u;
          same[group] |= ties(bits) ? 1u << bit : 0u;
        }
      }
      // The n-th lane goes on with the n-th 32 blocks.
      uint32 in = Lanes::template transpose<kGroups>(above, lane);
      uint32 tied = Lanes::template transpose<kGroups>(same, lane);
      const int places = equal - Lanes::sum_before(__popc(tied), lane);
      while (__popc(tied) > max(places, 0)) tied &= ~(0x80000000u >> __clz(tied));
      in |= tied;
      const int before = Lanes::sum_before(__popc(in), lane);
      int at = kept + before;
      kept = Lanes::last(at + __popc(in), lane);
      for (; in != 0; in &= in - 1) {
        const int place = Lanes::nth(lane) * 32 + __ffs(static_cast<int>(in)) - 1;
        put(at++, row[place], first + place);
      }
    }

    __device__ __forceinline__ void close() const {
      for (int i = kept + Lanes::nth(lane); i < kBest; i += kLanes) choice.kept_scores[query * kBest + i] = -1;
    }
  };
};

}  // namespace nsajit::scoring
