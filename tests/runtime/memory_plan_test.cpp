// Memory plan: pieces in use together never overlap, those that are not share memory.

#include "runtime/memory_plan.h"

#include <catch2/catch_all.hpp>

#include <random>
#include <vector>

namespace nsajit::runtime {
namespace {

bool any_overlap(const std::vector<MemoryPiece>& pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const MemoryPiece &a = pieces[i], &b = pieces[j];
      const bool at_once = a.first <= b.last && b.first <= a.last;
      if (at_once && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) return true;
    }
  return false;
}

}  // namespace

TEST_CASE("pieces of different times share memory, and empty ones cost nothing", "[runtime]") {
  std::vector<MemoryPiece> pieces{
      {.bytes = 1000, .first = 0, .last = 1}, {.bytes = 900, .first = 2, .last = 3}, {.bytes = 0, .first = 0, .last = 3}};
  CHECK(place_pieces(pieces) == 1000);
  CHECK(pieces[1].offset == 0);
  CHECK(place_pieces({}) == 0);
}

TEST_CASE("pieces that meet in one step lie apart and aligned", "[runtime]") {
  std::vector<MemoryPiece> pieces{{.bytes = 10, .first = 0, .last = 1}, {.bytes = 300, .first = 1, .last = 2}};
  CHECK(place_pieces(pieces) == 512 + 10);
  CHECK(pieces[0].offset == 512);
}

TEST_CASE("a small piece goes into a gap between larger ones", "[runtime]") {
  std::vector<MemoryPiece> pieces{
      {.bytes = 1024, .first = 0, .last = 0}, {.bytes = 2048, .first = 1, .last = 2}, {.bytes = 512, .first = 0, .last = 2}};
  CHECK(place_pieces(pieces) == 2560);
  CHECK(pieces[2].offset == 2048);
}

TEST_CASE("random pieces never overlap and need at least what one step uses", "[runtime]") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<MemoryPiece> pieces(1 + random() % 12);
    std::vector<std::int64_t> used(6);
    for (MemoryPiece& piece : pieces) {
      const int first = static_cast<int>(random() % 6), length = static_cast<int>(random() % 3);
      piece = {.bytes = static_cast<std::int64_t>(random() % 5000), .first = first, .last = std::min(5, first + length)};
      for (int step = piece.first; step <= piece.last; ++step) used[static_cast<std::size_t>(step)] += piece.bytes;
    }
    const std::int64_t total = place_pieces(pieces);
    REQUIRE_FALSE(any_overlap(pieces));
    for (const std::int64_t bytes : used) REQUIRE(total >= bytes);
    for (const MemoryPiece& piece : pieces) REQUIRE((piece.offset % kPieceAlignment == 0 && piece.offset + piece.bytes <= total));
  }
}

}  // namespace nsajit::runtime
