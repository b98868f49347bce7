#pragma once
// CtaRows: the consecutive (query, head) rows that a CTA of a dense kernel owns, and the tiles of keys that they see.

#include "dense/row_window.cuh"

namespace nsajit::dense {

// Tiles [first, last).
struct TileSpan {
  int first;
  int last;
};

template <class Fields, int kRows>
struct CtaRows {
  static constexpr int kTile = Fields::tile;
  Sequence sequence;
  int first_query;
  int first_head;  // the CTA's first row is this head of it
  int queries;     // that have rows in the CTA; 0: there is nothing to do

  // Block `block` of sequence b. Late rows first: they have the most tiles. A sequence has fewer than 2^31 rows of all heads, as
  // the host sees to.
  __device__ __forceinline__ CtaRows(const nsajit_dense_args& args, int64 b, int64 block) : sequence(find_sequence(args, b)) {
    const uint32 length = static_cast<uint32>(sequence.rows);
    const int ctas = (length * Fields::group + kRows - 1) / kRows;
    const int cta = ctas - 1 - static_cast<int>(block);
    const uint32 first_row = (cta < 0 ? 0 : cta) * kRows;
    first_query = first_row / Fields::group;
    first_head = first_row - first_query * Fields::group;
    const int left = length - first_query;
    queries = cta < 0 ? 0 : min(left, ceil_div(first_head + kRows, Fields::group));
  }

  // Rows behind the last one count as its own: what they compute is not stored.
  struct Row {
    uint32 query;  // of the CTA
    uint32 head;
    bool real;
  };

  __device__ __forceinline__ Row row(int row_of_cta) const {
    const uint32 flat = first_head + row_of_cta;
    const uint32 query = flat / Fields::group;
    const uint32 all = queries;
    return {min(query, all - 1), flat - query * Fields::group, query < all};
  }

  __device__ __forceinline__ RowWindow window(uint32 query) const {
    return row_window<Fields>(sequence.position + first_query + query, sequence.keys);
  }

  // Tiles that rows from .. to of the CTA see; those that all of them see whole.
  __device__ __forceinline__ TileSpan seen(int from, int to) const {
    const RowWindow early = window(row(from).query);
    const RowWindow late = window(row(to).query);
    return {early.first / kTile, late.last > early.first ? ceil_div(late.last, kTile) : early.first / kTile};
  }
  __device__ __forceinline__ TileSpan whole(int from, int to) const {
    return {ceil_div(window(row(to).query).first, kTile), window(row(from).query).last / kTile};
  }
};

}  // namespace nsajit::dense
