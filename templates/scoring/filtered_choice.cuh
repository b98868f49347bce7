#pragma once
// FilteredChoice: a warp reads the scores of 32 blocks of a query and keeps those that are better than a threshold, in rising
// order. When they might outgrow their room, the best are found by bisecting the bits of the score, and the threshold rises.
// For any number of blocks; nothing grows with the length of the sequence.
//
// Fields: those of block_ring.cuh and chosen_blocks.cuh, n_sel.

#include "scoring/choice_memory.cuh"

namespace nsajit::scoring {

template <class Fields, int kTile, int kWarps>
class FilteredChoice : public ChoiceMemory<Fields, kTile, kWarps> {
 public:
  using Memory = ChoiceMemory<Fields, kTile, kWarps>;
  using typename Memory::Columns;
  using typename Memory::Queries;
  using typename Memory::Ring;
  static constexpr int kTogether = 1;  // queries of a warp at a time
  static constexpr int kSlots = ceil_div(Fields::n_sel, 32) + 1;
  static constexpr int kBatch = smaller(ceil_div(Columns::kQueries, kWarps), 4);  // queries that a warp reads together
  static constexpr int kRoom = 32 * kSlots;                                       // blocks kept of a query
  static constexpr int kBytes = Memory::kBytes + Columns::kQueries * (kRoom * 8 + 8);
  static_assert(kRoom < 1024, "a count of blocks takes ten bits");

  struct Best {};  // all state is in shared memory

  int* kept_scores;  // [query][kRoom], bits of them
  int* kept_blocks;
  int2* states;  // [query]: blocks kept, and the bits of the score that the next ones have to exceed

  __device__ __forceinline__ FilteredChoice(const nsajit_scoring_args& args, const Queries& queries, char* shared)
      : Memory(args, queries, shared),
        kept_scores(reinterpret_cast<int*>(shared + Memory::kBytes)),
        kept_blocks(kept_scores + Columns::kQueries * kRoom),
        states(reinterpret_cast<int2*>(kept_blocks + Columns::kQueries * kRoom)) {}

  // Requires: one warp of kWarps, `warp` of them, the same for each query every time.
  __device__ __forceinline__ void begin(Best&, int warp, int lane) const {
    for (int query = warp; query < this->queries.count; query += kWarps)
      if (lane == 0) states[query] = make_int2(0, -1);
    __syncwarp();
  }

  // Reads the blocks that the newest tiles complete; after the last one, those that have fewer keys too.
  __device__ __forceinline__ void take_tiles(Best&, int tile, bool last, int warp, int lane) const {
    const int begin = Ring::begin(tile);
    const int complete = Ring::end(tile);
    const int all = this->queries.candidates_end(this->queries.count - 1);
    take_blocks<false>(begin, min(complete, all), tile, warp, lane);
    if (last && complete < all) take_blocks<true>(max(begin, complete), all, tile, warp, lane);
  }

  // visit(query, its best blocks, whether those decide: else all candidates are in, or none) for all queries of the warp.
  template <class Visit>
  __device__ __forceinline__ void finish(Best&, int warp, int lane, Visit&& visit) const {
    for (int query = warp; query < this->queries.count; query += kWarps) {
      const bool decides = this->queries.decides(query, this->args.n);
      if (decides) drop_worse(query, lane);
      visit(query, kept_blocks + query * kRoom, decides);
    }
  }

 private:
  __device__ __forceinline__ void drop_worse(int query, int lane) const {
    int2 state = states[query];
    const int wanted = this->queries.wanted(query, this->args.n);
    if (state.x > wanted) keep_best(query, wanted, state, lane);
  }

  template <bool kPartial>
  __device__ __forceinline__ void take_blocks(int begin, int end, int tile, int warp, int lane) const {
    for (int base = begin; base < end; base += 32) {
      const int block = base + lane;
      const int slot = Ring::slot(min(block, end - 1));  // what lies behind is being written
      for (int query = warp; query < this->queries.count; query += kWarps * kBatch) {
        int2 state[kBatch];
        int bits[kBatch];
        uint32 mask[kBatch];
#pragma unroll
        for (int i = 0; i < kBatch; ++i) {  // independent of each other: their latencies overlap
          const bool real = query + i * kWarps < this->queries.count;
          const int nth = real ? query + i * kWarps : query;  // of this warp in any case
          state[i] = states[nth];
          const float value = this->ring.template score<kPartial>(nth, block, slot, (tile + 1) * kTile);
          const bool there = real && block < min(end, this->queries.candidates_end(nth));
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
      keep_best(query, this->queries.wanted(query, this->args.n), state, lane);
      mask = __ballot_sync(kAllLanes, bits > state.y);
    }
    if (mask >> lane & 1) {
      const int at = query * kRoom + state.x + __popc(mask & ((1u << lane) - 1));
      kept_scores[at] = bits;
      kept_blocks[at] = block;
    }
    __syncwarp();  // all lanes have read the state
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
};

}  // namespace nsajit::scoring
