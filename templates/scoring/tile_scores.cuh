#pragma once
// TileScores: what the kernels do with the scores of a tile of keys: softmax sums first, where the caller has none, then
// probabilities into the ring that blocks are read from.
//
// Fields: those of query_columns.cuh.

#include "scoring/block_choice.cuh"

namespace nsajit::scoring {

// Softmax sums may take the columns in parts, one after the other: a part has whole queries.
template <class Fields, int kParts>
struct PartFields : Fields {
  static constexpr int columns = Fields::columns / kParts;
  static_assert(kParts == 1 || columns / 4 % QueryColumns<Fields>::kHeads == 0, "no query is in two parts");
};

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

  // Scores of keys that a query does not see become -inf. Part: Fields, or PartFields of it.
  template <class Part>
  __device__ __forceinline__ void mask(typename QueryColumns<Part>::Scores& s, int tile, int part) const {
    using Some = QueryColumns<Part>;
    int first = choice.queries.first_position;
    asm volatile("" : "+r"(first));  // only the last tiles are masked: nothing for it waits in registers
#pragma unroll
    for (int nth = 0; nth < Some::kQueriesOfLane; ++nth) {
      const int query = Columns::query(lane, part * Some::kQueriesOfLane + nth);
      const int seen = seen_keys<Fields>(first + query, choice.queries.sequence.keys) - tile * kTile - row;
#pragma unroll
      for (int place = nth * Columns::kHeads; place < (nth + 1) * Columns::kHeads; ++place) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
          if (8 * half >= seen) s[place / 2][2 * half + place % 2] = negative_infinity();
      }
    }
  }

  template <class Part>
  __device__ __forceinline__ void add(ColumnSums<Part>& column_sums, typename QueryColumns<Part>::Scores& s, int tile,
                                      int part) const {
    if ((tile + 1) * kTile > seen_by_all) mask<Part>(s, tile, part);
    column_sums.add(s, scale2);
  }

  // Sums of all warps to the log-sum-exp of each column of the part. All kWarps call it; `sync` is a barrier among them.
  template <class Part, class Sync>
  __device__ __forceinline__ void merge(ColumnSums<Part>& column_sums, int part, Sync&& sync) const {
    using Some = QueryColumns<Part>;
    float2* const partial = reinterpret_cast<float2*>(choice.ring.sums);  // [warp][column]
    column_sums.reduce(lane, [&](int place, float offset, float sum) {
      partial[warp * Some::kColumns + Some::column(lane, place)] = make_float2(offset, sum);
    });
    sync();
    for (int column = warp * 32 + lane; column < Some::kColumns; column += 32 * kWarps) {
      float2 all = partial[column];
#pragma unroll
      for (int other = 1; other < kWarps; ++other) {
        const float2 more = partial[other * Some::kColumns + column];
        ColumnSums<Part>::combine(all.x, all.y, more.x, more.y);
      }
      const int of_all = part * Some::kColumns + column;
      choice.lse[of_all] = Columns::find(of_all).used ? all.x - log2f(all.y) : negative_infinity();
    }
    sync();
  }

  // The caller's log-sum-exp. Columns of no head add 0 to their query's sums.
  template <class Sync>
  __device__ __forceinline__ void read_lse(const Item& item, Sync&& sync) const {
    const nsajit_scoring_args& args = choice.args;
    const float* const from =
        locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, choice.queries.sequence.first_row + choice.queries.first);
    for (int column = warp * 32 + lane; column < Columns::kColumns; column += 32 * kWarps) {
      const auto at = Columns::find(column);
      const bool real = at.used && at.query < choice.queries.count;
      choice.lse[column] = real ? from[at.query * args.lse_s + at.head * args.lse_h] * -kLog2E : negative_infinity();
    }
    sync();
  }

  // The log-sum-exp of the lane's columns: kept in registers, or read again for each tile where those are scarce.
  template <bool kKept>
  class ColumnLse {
   public:
    __device__ __forceinline__ explicit ColumnLse(const TileScores& tile)
        : lse_(tile.choice.lse + Columns::column(tile.lane, 0)) {
      if constexpr (kKept) {
#pragma unroll
        for (int place = 0; place < Columns::kOwn; place += 2) kept_[place / 2] = load(place);
      }
    }
    // Of places `place` and the next one.
    __device__ __forceinline__ float2 pair(int place) const { return kKept ? kept_[place / 2] : load(place); }

   private:
    __device__ __forceinline__ float2 load(int place) const {
      return *reinterpret_cast<const float2*>(lse_ + Columns::column(0, place));
    }
    const float* lse_;
    float2 kept_[kKept ? Columns::kOwn / 2 : 1];
  };

  // Probabilities, summed over the heads, to the ring.
  template <class Lse>
  __device__ __forceinline__ void store_sums(Scores& s, const Lse& lse, int tile) const {
    if ((tile + 1) * kTile > seen_by_all) mask<Fields>(s, tile, 0);
    float* const to = choice.ring.sums + tile % Choice::Ring::kTiles * kTile + row;
    float2 offsets{};
#pragma unroll
    for (int nth = 0; nth < Columns::kQueriesOfLane; ++nth) {
      float sum[2] = {0.0f, 0.0f};  // of keys 8 rows apart
#pragma unroll
      for (int place = nth * Columns::kHeads; place < (nth + 1) * Columns::kHeads; ++place) {
        if (place % 2 == 0) offsets = lse.pair(place);
        const float offset = place % 2 == 0 ? offsets.x : offsets.y;
#pragma unroll
        for (int half = 0; half < 2; ++half) sum[half] += exp2_fast(fmaf(s[place / 2][2 * half + place % 2], scale2, offset));
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if constexpr (Columns::kLanes > 1) sum[half] = reduce_sum<1, Columns::kLanes / 2>(sum[half]);
        if (lane % Columns::kLanes == 0) to[Columns::query(lane, nth) * Choice::Ring::kPitch + 8 * half] = sum[half];
      }
    }
  }
};

}  // namespace nsajit::scoring
