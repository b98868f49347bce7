#pragma once
// FilteredChoice: a warp reads the scores of 32 blocks of a query and keeps the best of them in shared memory, all its
// queries side by side. For any number of blocks; nothing grows with the length of the sequence.
//
// Fields: those of block_ring.cuh and chosen_blocks.cuh, n_sel.

#include "scoring/best_blocks.cuh"
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
  using Kept = BestBlocks<ceil_div(Fields::n_sel, 32) + 1>;
  static constexpr int kBatch = smaller(ceil_div(Columns::kQueries, kWarps), 4);  // queries that a warp reads together
  static constexpr int kRoom = Kept::kRoom;                                       // blocks kept of a query
  static constexpr int kBytes = ceil_div(Memory::kBytes + Columns::kQueries * (kRoom * 8 + 8), 16) * 16;

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
    if (state.x > wanted) best(query).keep_best(wanted, state, lane);
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
    best(query).keep(state, bits, block, mask, this->queries.wanted(query, this->args.n), lane);
    __syncwarp();  // all lanes have read the state
    if (lane == 0) states[query] = state;
    __syncwarp();
  }

  __device__ __forceinline__ Kept best(int query) const { return {kept_scores + query * kRoom, kept_blocks + query * kRoom}; }
};

}  // namespace nsajit::scoring
