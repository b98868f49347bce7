#pragma once
// KvWorkspace: the inverse index of a KV-major launch and the partial results, as one allocation. A chunk is
// `chunk` consecutive query rows of every (b, g); tiles are runs of `tile` keys on a fixed grid; a pair is one row
// that selected keys of one tile. Each row has `slots` pairs at most; rows that would need more (ranges that cut
// through tiles) are marked and computed on their own by the combine step.
//
// The host computes the same sizes: selection_cuda_kv_major.cpp.

#include "common/types.cuh"
#include "selection/row.cuh"

namespace nsajit::selection {

inline constexpr int kIndexRows = 256;     // rows per CTA of the index kernels
inline constexpr int kTooManyPairs = -1;   // in pairs_of_row
inline constexpr int kNearShift = 8;       // in pairs_of_row: a mask of near tiles begins here, the number of pairs is below

struct Pair {
  int slot;        // row of the chunk * slots + which of the row's pairs
  int bounds;      // keys of the tile: first | last << 16
};

template <class Fields>
struct KvWorkspace {
  using Element = typename Fields::element;
  int64 first_row;      // of the chunk
  int rows;             // of the chunk, per (b, g)
  int present;          // of them: a packed sequence may be shorter
  int tiles;            // of S_kv
  int index_ctas;       // per (b, g)
  int64 bg;             // this CTA's (b, g) number: blockIdx.z * G + blockIdx.y
  int* pairs_of_row;    // [rows]: number of pairs, near tiles
  int* histogram;       // [index_ctas][tiles]: pairs, then where the CTA's pairs of a tile start
  int* tile_start;      // [tiles + 1] into pairs
  int* item_start;      // [tiles + 1]: work items before each tile
  Pair* pairs;          // [rows * slots], grouped by tile
  float* lse;           // [rows * slots][group], base 2
  Element* partial;     // [rows * slots][group][dv], normalised

  __device__ __forceinline__ KvWorkspace(const nsajit_selection_args& args, int64 first)
      : first_row(first), rows(static_cast<int>(args.S - first < Fields::chunk ? args.S - first : Fields::chunk)),
        tiles(static_cast<int>((args.S_kv + Fields::tile - 1) / Fields::tile)), index_ctas(ceil_div(rows, kIndexRows)),
        bg(static_cast<int64>(blockIdx.z) * args.G + blockIdx.y) {
    const int64 left = sequence_rows(args, blockIdx.z) - first;
    present = static_cast<int>(left < 0 ? 0 : left < rows ? left : rows);
    const int64 count = args.B * args.G;
    const int64 slots = static_cast<int64>(rows) * Fields::slots;
    char* at = static_cast<char*>(args.workspace);
    pairs_of_row = take<int>(at, count, rows);
    histogram = take<int>(at, count, static_cast<int64>(index_ctas) * tiles);
    tile_start = take<int>(at, count, tiles + 1);
    item_start = take<int>(at, count, tiles + 1);
    pairs = take<Pair>(at, count, slots);
    lse = take<float>(at, count, slots * Fields::group);
    partial = take<Element>(at, count, slots * Fields::group * Fields::dv);
  }

 private:
  // The next array of `each` elements per (b, g), 128-byte aligned; this CTA's part of it.
  template <class T>
  __device__ __forceinline__ T* take(char*& at, int64 count, int64 each) const {
    T* const mine = reinterpret_cast<T*>(at) + bg * each;
    at += (count * each * static_cast<int64>(sizeof(T)) + 127) / 128 * 128;
    return mine;
  }
};

}  // namespace nsajit::selection
