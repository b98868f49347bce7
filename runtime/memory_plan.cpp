// Memory plan: first fit by size. For a handful of pieces; each placement looks at all others.

#include "runtime/memory_plan.h"

#include <algorithm>

namespace nsajit::runtime {
namespace {

std::int64_t round_up(std::int64_t bytes) { return (bytes + kPieceAlignment - 1) / kPieceAlignment * kPieceAlignment; }

bool share_a_step(const MemoryPiece& a, const MemoryPiece& b) { return a.first <= b.last && b.first <= a.last; }

// One that is placed where `piece` would begin or end inside it, and is in use when `piece` is. nullptr: none.
const MemoryPiece* find_conflict(std::span<const MemoryPiece> pieces, const MemoryPiece& piece, std::int64_t offset) {
  for (const MemoryPiece& other : pieces) {
    if (other.offset < 0 || other.bytes == 0 || !share_a_step(piece, other)) continue;
    if (offset < other.offset + other.bytes && other.offset < offset + piece.bytes) return &other;
  }
  return nullptr;
}

MemoryPiece* largest_unplaced(std::span<MemoryPiece> pieces) {
  MemoryPiece* largest = nullptr;
  for (MemoryPiece& piece : pieces)
    if (piece.offset < 0 && (largest == nullptr || piece.bytes > largest->bytes)) largest = &piece;
  return largest;
}

}  // namespace

std::int64_t place_pieces(std::span<MemoryPiece> pieces) {
  std::int64_t total = 0;
  for (MemoryPiece& piece : pieces) piece.offset = -1;
  while (MemoryPiece* const piece = largest_unplaced(pieces)) {
    std::int64_t offset = 0;
    // Behind what is in the way: before it there is no room from here on.
    while (const MemoryPiece* const other = find_conflict(pieces, *piece, offset))
      offset = round_up(other->offset + other->bytes);
    piece->offset = piece->bytes == 0 ? 0 : offset;
    total = std::max(total, piece->offset + piece->bytes);
  }
  return total;
}

}  // namespace nsajit::runtime
