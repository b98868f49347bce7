// Selection overlap: blocks in common, counted over pairs and compared with what chance gives.

#include "nsajit/selection_overlap.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/selection_layout.h"

namespace nsajit {
namespace {

using templates::entry_ints;
using templates::has_packed_sequences;
using templates::query_position;

constexpr std::int64_t kMostPairs = 64;
// Deviations above chance that count as overlap: it makes a draw by chance rarely be taken for overlap.
constexpr double kDeviations = 3;

// Sums over pairs, in blocks.
struct Shared {
  double blocks = 0;  // of the later rows, the forced ones left out
  double common = 0;
  double by_chance = 0;  // expected in common where each row draws for itself
};

std::vector<std::int64_t> sequence_starts(const Workload& w, std::span<const std::int32_t> cu_seqlens) {
  std::vector<std::int64_t> starts;
  if (!has_packed_sequences(w)) {
    for (std::int64_t b = 0; b <= w.B; ++b) starts.push_back(b * w.S);
    return starts;
  }
  if (static_cast<std::int64_t>(cu_seqlens.size()) != w.B + 1 || !std::is_sorted(cu_seqlens.begin(), cu_seqlens.end()) ||
      cu_seqlens.front() != 0)
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("pairs of rows of {}: cu_seqlens has {} values; {} are needed, from 0 and ascending", to_string(w),
                            cu_seqlens.size(), w.B + 1));
  return {cu_seqlens.begin(), cu_seqlens.end()};
}

// From a row to the next one, in sequence b.
std::int64_t steps_in(const std::vector<std::int64_t>& starts, std::int64_t b) {
  const auto at = static_cast<std::size_t>(b);
  return std::max<std::int64_t>(0, starts[at + 1] - starts[at] - 1);
}

// Blocks that the entries touch, ascending and each once; without block 0, the two local ones and what lies after them.
std::vector<std::int64_t> free_blocks(const Workload& w, const std::int32_t* entries, std::int64_t position) {
  const std::int64_t l_sel = w.problem.l_sel, last = position / l_sel - 2;
  const bool ranges = w.problem.input == SelectionInput::Ranges;
  std::vector<std::int64_t> blocks;
  for (int i = 0; i < w.n; ++i) {
    const std::int64_t first = ranges ? entries[2 * i] : entries[i];
    if (!ranges) {
      if (first >= 1 && first <= last) blocks.push_back(first);
      continue;
    }
    const std::int64_t end = entries[2 * i + 1];
    if (end <= first) continue;
    const std::int64_t stop = std::min(last, (end - 1) / l_sel);
    for (std::int64_t block = std::max<std::int64_t>(1, first / l_sel); block <= stop; ++block) blocks.push_back(block);
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  return blocks;
}

void add_pair(const Workload& w, const RowPair& pair, const std::int32_t* entries, Shared& shared) {
  const auto before = free_blocks(w, entries, pair.position - 1);
  const auto row = free_blocks(w, entries + static_cast<std::ptrdiff_t>(w.n) * entry_ints(w.problem), pair.position);
  if (row.empty()) return;
  std::vector<std::int64_t> common;
  std::set_intersection(before.begin(), before.end(), row.begin(), row.end(), std::back_inserter(common));
  const auto blocks = static_cast<double>(row.size());
  const auto candidates = static_cast<double>(pair.position / w.problem.l_sel - 2);
  shared.blocks += blocks;
  shared.common += static_cast<double>(common.size());
  shared.by_chance += blocks * static_cast<double>(before.size()) / candidates;
}

}  // namespace

std::vector<RowPair> pick_row_pairs(const Workload& w, std::span<const std::int32_t> cu_seqlens) {
  const auto starts = sequence_starts(w, cu_seqlens);
  std::int64_t steps = 0;
  for (std::int64_t b = 0; b < w.B; ++b) steps += steps_in(starts, b);
  const std::int64_t count = std::min(kMostPairs, steps * w.G);
  std::vector<RowPair> pairs;
  std::int64_t b = 0, passed = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t step = (2 * i + 1) * steps / (2 * count);
    while (step - passed >= steps_in(starts, b)) passed += steps_in(starts, b++);
    const std::int64_t s = step - passed + 1, row = (starts[b] + s) * w.G + i % w.G;
    pairs.push_back({.before = row - w.G, .row = row, .position = query_position(w, s)});
  }
  return pairs;
}

int estimate_overlap(const Workload& w, std::span<const RowPair> pairs, std::span<const std::int32_t> entries) {
  const std::size_t pair_ints = 2 * static_cast<std::size_t>(w.n) * static_cast<std::size_t>(entry_ints(w.problem));
  if (entries.size() != pairs.size() * pair_ints)
    throw Error(ErrorCode::InvalidArgument, fmt::format("overlap of {}: {} pairs of rows have {} entries' numbers, given are {}",
                                                        to_string(w), pairs.size(), pairs.size() * pair_ints, entries.size()));
  Shared shared;
  for (std::size_t i = 0; i < pairs.size(); ++i) add_pair(w, pairs[i], entries.data() + i * pair_ints, shared);
  if (shared.blocks == 0) return 0;
  const double share = shared.common / shared.blocks, chance = std::min(1.0, shared.by_chance / shared.blocks);
  if (share <= chance + kDeviations * std::sqrt(chance * (1 - chance) / shared.blocks)) return 0;
  return static_cast<int>(std::lround(100 * share));
}

}  // namespace nsajit
