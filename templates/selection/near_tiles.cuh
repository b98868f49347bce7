#pragma once
// Near tiles of a row: tile 0, the tile of its own position and the one before, which most selections always hold. As bits of
// a mask: own tile 4, the one before 2, tile 0 1; a tile that is two of them has the higher bit.

#include "common/types.cuh"

namespace nsajit::selection {

// 0: not near. `own`: the row's own tile.
__device__ __forceinline__ uint32 near_bit(int tile, int own) {
  return tile == own ? 4u : tile == own - 1 ? 2u : tile == 0 ? 1u : 0u;
}

// Those that tokens [start, end) hold whole, as far as a row sees them that may see `limit` > 0 tokens.
template <int kTile>
__device__ __forceinline__ uint32 near_tiles(int start, int end, int limit) {
  const int own = (limit - 1) / kTile;
  const auto whole = [&](int tile) { return start <= tile * kTile && end >= min((tile + 1) * kTile, limit); };
  return (whole(own) ? 4u : 0u) | (own >= 1 && whole(own - 1) ? 2u : 0u) | (own >= 2 && whole(0) ? 1u : 0u);
}

}  // namespace nsajit::selection
