#pragma once
// TileScores: what the kernels do with the scores of a tile of keys: softmax sums first, where the caller has none, then
// probabilities into the ring that blocks are read from.
//
// Fields: group, columns.

#include "scoring/block_choice.cuh"

namespace nsajit::scoring {

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
    int first = choice.queries.first_position;
    asm volatile("" : "+r"(first));  // only the last tiles are masked: nothing for it waits in registers
#pragma unroll
    for (int nth = 0; nth < Columns::kQueriesOfLane; ++nth) {
      const int seen = seen_keys<Fields>(first + Columns::query(lane, nth), choice.queries.sequence.keys) - tile * kTile - row;
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
    float2* const partial = reinterpret_cast<float2*>(choice.ring.sums);  // [warp][column]
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
    float* const to = choice.ring.sums + tile % Choice::Ring::kTiles * kTile + row;
#pragma unroll
    for (int nth = 0; nth < Columns::kQueriesOfLane; ++nth) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float sum = 0.0f;
#pragma unroll
        for (int place = nth * Fields::group; place < (nth + 1) * Fields::group; ++place)
          sum += exp2_fast(fmaf(s[place / 2][2 * half + place % 2], scale2, lse[place]));
        to[Columns::query(lane, nth) * Choice::Ring::kPitch + 8 * half] = sum;
      }
    }
  }
};

}  // namespace nsajit::scoring
