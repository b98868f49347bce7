#pragma once
// Memory plan: where the pieces of one buffer lie, given when each of them is in use: those that are never in use together
// share memory. Pure; allocates nothing.

#include <cstdint>
#include <span>

namespace nsajit::runtime {

inline constexpr std::int64_t kPieceAlignment = 256;

struct MemoryPiece {
  std::int64_t bytes = 0;
  int first = 0, last = 0;   // steps between which it is in use, both included
  std::int64_t offset = -1;  // out; of an empty piece 0
};

// Sets the offsets, the largest piece first, each as low as it fits. Returns the bytes of the buffer.
std::int64_t place_pieces(std::span<MemoryPiece> pieces);

}  // namespace nsajit::runtime
