#pragma once
// ChosenBlocks: what is written of a query: block indices or ranges of tokens.
//
// Fields: l_sel, ranges (1: ranges are written, else block indices), ranges_v2 (1: ranges are formed by all lanes at once, else
// entry by entry).

#include "common/sequence.cuh"
#include "common/warp.cuh"
#include "scoring/query_lanes.cuh"

namespace nsajit::scoring {

// The blocks of a query, ascending: 0, those of the middle, then the last one or two.
template <class Fields>
struct ChosenBlocks {
  const int* blocks;  // of the middle, unless those are 1, 2, 3, ..
  bool listed;
  int middle;
  int tail;
  int local;
  int count;

  template <class Queries>
  __device__ __forceinline__ ChosenBlocks(const Queries& queries, int query, int n, const int* best, bool decides)
      : blocks(best),
        listed(decides),
        middle(min(queries.candidates_end(query) - 1, queries.wanted(query, n))),
        tail(queries.tail(query, n)),
        local(queries.local(query)),
        count(1 + middle + tail) {}

  __device__ __forceinline__ int at(int i) const {
    if (i <= middle) return i == 0 || !listed ? i : blocks[i - 1];
    return local - (count - 1 - i);
  }

  // To n entries at `to`, by the lanes of the query. A warp calls it as one; a query with null `to` is none.
  template <int kTogether>
  __device__ __forceinline__ void write(int position, int n, int* to, int lane) const {
    if constexpr (Fields::ranges) {
      write_ranges<kTogether>(position, n, to, lane);
    } else {
      using Lanes = QueryLanes<kTogether>;
      if (to == nullptr) return;
      for (int i = Lanes::nth(lane); i < n; i += Lanes::kCount) to[i] = i < count ? at(i) : -1;
    }
  }

 private:
  static __device__ __forceinline__ int range_end(int block, int position) {
    return min(block * Fields::l_sel + (Fields::l_sel - 1), position) + 1;
  }

  template <int kTogether>
  __device__ __forceinline__ void write_ranges(int position, int n, int* to, int lane) const {
    using Lanes = QueryLanes<kTogether>;
    int used = 0;
    if constexpr (Fields::ranges_v2) {
      for (int base = 0; base < n; base += Lanes::kCount) {
        const int i = base + Lanes::nth(lane);
        const bool there = to != nullptr && i < count;
        const int block = there ? at(i) : 0;
        const bool begins = there && (i == 0 || at(i - 1) + 1 != block);
        const bool ends = there && (i + 1 == count || at(i + 1) != block + 1);
        const uint32 mask = Lanes::ballot(begins, lane);
        const int range = used + __popc(mask & (0xffffffffu >> (31 - lane))) - 1;
        if (begins) to[2 * range] = block * Fields::l_sel;
        if (ends) to[2 * range + 1] = range_end(block, position);
        used += __popc(mask);
      }
    } else {
      if (to != nullptr && Lanes::nth(lane) == 0) {
        int before = -2;
        for (int i = 0; i < count; ++i) {
          const int block = at(i);
          if (block != before + 1) to[2 * used++] = block * Fields::l_sel;
          to[2 * used - 1] = range_end(block, position);
          before = block;
        }
      }
      used = __shfl_sync(kAllLanes, used, lane % kTogether);
    }
    if (to == nullptr) return;
    for (int i = 2 * used + Lanes::nth(lane); i < 2 * n; i += Lanes::kCount) to[i] = 0;
  }
};

}  // namespace nsajit::scoring
