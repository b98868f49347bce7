#pragma once
// BlockChoice: from sums of probabilities per key to the best n blocks of each query, while the keys stream by. Two ways:
// sorted lists in registers where few blocks are wanted, a threshold and bisection for any number.
//
// Fields: those of sorted_choice.cuh and filtered_choice.cuh; room 0 takes the second.

#include "scoring/chosen_blocks.cuh"
#include "scoring/filtered_choice.cuh"
#include "scoring/sorted_choice.cuh"

namespace nsajit::scoring {

template <class Fields, int kTile, int kWarps, bool kSorted = (Fields::room > 0)>
struct ChoiceOf {
  using Type = SortedChoice<Fields, kTile, kWarps>;
};

template <class Fields, int kTile, int kWarps>
struct ChoiceOf<Fields, kTile, kWarps, false> {
  using Type = FilteredChoice<Fields, kTile, kWarps>;
};

template <class Fields, int kTile, int kWarps>
class BlockChoice : public ChoiceOf<Fields, kTile, kWarps>::Type {
 public:
  using Base = typename ChoiceOf<Fields, kTile, kWarps>::Type;
  using Base::Base;

  __device__ __forceinline__ void write(typename Base::Best& best, const Item& item, int warp, int lane) const {
    const nsajit_scoring_args& args = this->args;
    int* const sel = locate(args.sel, args.sel_b, args.sel_s, args.sel_g, item, this->queries.find_first_row(args, item.b));
    this->finish(best, warp, lane, [&](int query, const int* blocks, bool decides) {
      ChosenBlocks<Fields>(this->queries, query, args.n, blocks, decides)
          .template write<Base::kTogether>(this->queries.position(query), args.n,
                                           query < this->queries.count ? sel + query * args.sel_s : nullptr, lane);
    });
  }
};

}  // namespace nsajit::scoring
