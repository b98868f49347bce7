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
#include "scoring/chosen_blocks.cuh"

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
  static constexpr int kLanes = 32 / kTogether;                          // of a query
  static constexpr int kRounds = ceil_div(kQueries, kTogether* kWarps);  // in which a warp has taken all its queries
  static constexpr int kBytes = Memory::kBytes + kQueries * (kRowPitch * 4 + kBest * 8);
  static_assert(kBest <= 32, "a lane for each block that is kept");
  static_assert(kRoom >= 64, "what is read at a time fits twice");

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

  // Reads the blocks that the newest tiles complete; after the last one, those that have fewer keys too.
  __device__ __forceinline__ void take_tiles(Best& best, int tile, bool last, int warp, int lane) const {
    const int complete = Ring::end(tile);
    const int all = this->queries.candidates_end(this->queries.count - 1);
    const int end = last ? all : min(complete, all);
    for (int base = Ring::begin(tile); base < end; base += 32) {
      const int behind = min(base + 32, end);
      if (behind - best.first > kRoom) {
        collect(best, warp, lane);
        best.first = base;
      }
#pragma unroll
      for (int round = 0; round < kRounds; ++round) {
        const int group = round * kWarps + warp;
        if (query_of(group, 0) >= this->queries.count) break;
        if (behind <= complete) {
          take<false>(best, round, group, base, behind, tile, lane);
        } else {
          take<true>(best, round, group, base, behind, tile, lane);
        }
      }
      best.end = behind;
    }
  }

  // visit(query, its best blocks) for the queries of the warp that have more candidates than they want, visit(query, null) for
  // the others.
  template <class Visit>
  __device__ __forceinline__ void finish(Best& best, int warp, int lane, Visit&& visit) const {
    if (this->queries.decides(this->queries.count - 1, this->args.n)) collect(best, warp, lane);
    for (int round = 0; round < kRounds; ++round) {
      for (int nth = 0; nth < kTogether; ++nth) {
        const int query = query_of(round * kWarps + warp, nth);
        if (query >= this->queries.count) continue;
        visit(query, this->queries.decides(query, this->args.n) ? kept_blocks + query * kBest : nullptr);
      }
    }
  }

 private:
  // The nth query of a group. Two that are read together are two apart: their scores lie in other banks.
  static __device__ __forceinline__ int query_of(int group, int nth) {
    if constexpr (kTogether == 2) return group / 2 * 4 + group % 2 + 2 * nth;
    return group * kTogether + nth;
  }

  template <bool kPartial>
  __device__ __forceinline__ void take(Best& best, int round, int group, int base, int behind, int tile, int lane) const {
    const int query = min(query_of(group, lane % kTogether), kQueries - 1);
    const bool real = query_of(group, lane % kTogether) < this->queries.count;
    const int candidates = real ? min(behind, this->queries.candidates_end(query)) : 0;
    int* const row = rows + query * kRowPitch - best.first;
    int bits[kTogether];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {  // independent of each other: their latencies overlap
      const int block = base + i * kLanes + lane / kTogether;
      const int there = min(block, behind - 1);  // what lies behind is being written
      const float value = this->ring.template score<kPartial>(query, there, Ring::slot(there), (tile + 1) * kTile);
      bits[i] = block < candidates ? __float_as_int(value) & 0x7fffffff : -1;
    }
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      const int block = base + i * kLanes + lane / kTogether;
      if (real && block < behind) row[block] = bits[i];
      best.tops[round].insert(bits[i]);
    }
  }

  // What is in the rows, to the blocks that are kept.
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
      int least = top.bits[0];  // a score that as many blocks reach as are wanted; -1: there are not so many yet
#pragma unroll
      for (int i = 1; i < kBest; ++i) least = min(least, top.bits[i]);
      int equal = 0;  // places for blocks of just this score
#pragma unroll
      for (int i = 0; i < kBest; ++i) equal += top.bits[i] == least ? 1 : 0;
      for (int nth = 0; nth < kTogether; ++nth) {
        const int query = query_of(group, nth);
        const int query_least = __shfl_sync(kAllLanes, least, nth);
        const int query_equal = __shfl_sync(kAllLanes, equal, nth);
        if (query < this->queries.count) keep(query, query_least, query_equal, best.first, best.end, lane);
      }
    }
    __syncwarp();
  }

  __device__ __forceinline__ void keep(int query, int least, int equal, int first, int end, int lane) const {
    const int* const row = rows + query * kRowPitch;
    int* const scores = kept_scores + query * kBest;
    int* const blocks = kept_blocks + query * kBest;
    const int old_bits = lane < kBest ? scores[lane] : -1;
    const int old_block = lane < kBest ? blocks[lane] : 0;
    __syncwarp();  // all lanes have read what is overwritten below
    int kept = 0;
    const auto visit = [&](int bits, int block) {
      const uint32 ties = __ballot_sync(kAllLanes, bits == least && bits >= 0);
      const uint32 before = (1u << lane) - 1;
      const bool in = bits > least || (ties >> lane & 1) != 0 && __popc(ties & before) < equal;
      const uint32 mask = __ballot_sync(kAllLanes, in);
      if (mask == 0) return;
      equal -= __popc(ties);
      if (in) {
        scores[kept + __popc(mask & before)] = bits;
        blocks[kept + __popc(mask & before)] = block;
      }
      kept += __popc(mask);
    };
    visit(old_bits, old_block);
    for (int base = 0; base < end - first; base += 32) {
      const int i = base + lane;
      visit(i < end - first ? row[i] : -1, first + i);
    }
    if (lane >= kept && lane < kBest) scores[lane] = -1;
  }
};

}  // namespace nsajit::scoring
