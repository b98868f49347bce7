// Selection entries: per row the forced blocks, then random ones, of which a share is taken over from the row before
// (real scorers change their mind slowly); without an overlap every row draws for itself. Ragged rows cycle through
// every oddity that callers may send.

#include "templates/selection/selection_entries.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "templates/common/host_elements.h"
#include "templates/common/mix_bits.h"
#include "templates/selection/selection_layout.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kChain = 512;  // rows that share blocks; each chain starts afresh, so chains run in parallel

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  // Uniform in [0, bound), bound < 2^32.
  std::int64_t below(std::int64_t bound) {
    state_ = mix_bits(state_);
    return static_cast<std::int64_t>(((state_ >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }

 private:
  std::uint64_t state_;
};

using Entry = std::pair<std::int64_t, std::int64_t>;  // tokens [first, second); empty = unused

// Sizes of the row at hand.
struct RowShape {
  const Workload& workload;
  std::int64_t position = 0;
  std::int64_t l_sel() const { return workload.problem.l_sel; }
  std::int64_t local() const { return position / l_sel(); }
  Entry block(std::int64_t index) const { return {index * l_sel(), std::min((index + 1) * l_sel(), position + 1)}; }
};

bool contains(const std::vector<std::int64_t>& values, std::int64_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// How many of a row's `count` random blocks are taken over from the row before. Fractions are rounded by chance, so that
// the mean is the asked share where a row has few random blocks; and what does not fit outside the row before is shared.
std::int64_t draw_kept(const RowShape& row, std::int64_t count, std::int64_t candidates, std::int64_t before, Draw& draw) {
  const int overlap = row.workload.overlap_percent;
  if (overlap == 0 || before == 0) return 0;
  const std::int64_t asked = (count * overlap + draw.below(100)) / 100;
  return std::clamp(asked, std::max<std::int64_t>(0, count - (candidates - before)), std::min(count, before));
}

// The random blocks of a row: of 1 .. local - 2. With an overlap asked for, new ones are none of the row before, which
// random rows share by chance the more the shorter the sequence is.
std::vector<std::int64_t> draw_blocks(const RowShape& row, std::int64_t count, const std::vector<std::int64_t>& before,
                                      Draw& draw) {
  const std::int64_t candidates = std::max<std::int64_t>(0, row.local() - 2);
  count = std::min(count, candidates);
  std::vector<std::int64_t> blocks;
  const std::int64_t start = before.empty() ? 0 : draw.below(static_cast<std::int64_t>(before.size()));
  const std::int64_t kept = draw_kept(row, count, candidates, static_cast<std::int64_t>(before.size()), draw);
  for (std::int64_t i = 0; i < kept; ++i) blocks.push_back(before[static_cast<std::size_t>(start + i) % before.size()]);
  const bool any = row.workload.overlap_percent == 0;
  while (static_cast<std::int64_t>(blocks.size()) < count) {
    std::int64_t block = 1 + draw.below(candidates);
    while (contains(blocks, block) || (!any && contains(before, block))) block = block % candidates + 1;
    blocks.push_back(block);
  }
  return blocks;
}

// Forced blocks first, in order of importance where n is too small for all; ascending.
std::vector<std::int64_t> choose_blocks(const RowShape& row, std::int64_t n, std::vector<std::int64_t>& before, Draw& draw) {
  std::vector<std::int64_t> blocks;
  for (const std::int64_t forced : {std::int64_t{0}, row.local(), row.local() - 1})
    if (forced >= 0 && static_cast<std::int64_t>(blocks.size()) < n && !contains(blocks, forced)) blocks.push_back(forced);
  before = draw_blocks(row, n - static_cast<std::int64_t>(blocks.size()), before, draw);
  blocks.insert(blocks.end(), before.begin(), before.end());
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

void write_entries(const Workload& workload, const std::vector<Entry>& entries, std::int32_t* to) {
  const bool ranges = workload.problem.input == SelectionInput::Ranges;
  for (std::size_t i = 0; i < static_cast<std::size_t>(workload.n); ++i) {
    const Entry entry = i < entries.size() ? entries[i] : Entry{0, 0};
    if (ranges) {
      to[2 * i] = static_cast<std::int32_t>(entry.first);
      to[2 * i + 1] = static_cast<std::int32_t>(entry.second);
    } else {
      to[i] = entry.second > entry.first ? static_cast<std::int32_t>(entry.first / workload.problem.l_sel) : -1;
    }
  }
}

enum class Oddity { Empty, OneToken, Partial, Scattered, Merged, Beyond, Unsorted, None, Count };

// A run of neighbouring blocks as one range (Ranges), or entry by entry (Blocks).
std::vector<Entry> merge_neighbours(const RowShape& row, std::int64_t n, Draw& draw) {
  const std::int64_t length = std::min(row.local() + 1, 1 + draw.below(n));
  const std::int64_t first = draw.below(row.local() - length + 2);
  std::vector<Entry> entries;
  if (row.workload.problem.input == SelectionInput::Ranges)
    return {{row.block(first).first, row.block(first + length - 1).second}};
  for (std::int64_t i = 0; i < length; ++i) entries.push_back(row.block(first + i));
  return entries;
}

// Cuts ranges so that they begin and end inside a block.
void cut_blocks(std::vector<Entry>& entries, Draw& draw) {
  for (Entry& entry : entries) {
    const std::int64_t length = entry.second - entry.first;
    entry.first += draw.below(length);
    entry.second -= draw.below(entry.second - entry.first);
  }
}

// Fills the unused entries with what must be ignored, and lets the last used range run past the position.
void add_beyond(const RowShape& row, std::int64_t n, std::vector<Entry>& entries, Draw& draw) {
  const bool ranges = row.workload.problem.input == SelectionInput::Ranges;
  // The largest block index overflows 32 bits when it is turned into a token.
  const std::int64_t last = ranges ? INT_MAX / row.l_sel() - 1 : INT_MAX - 1;
  const std::int64_t far[] = {row.local() + 1, row.local() + 1 + draw.below(5), row.workload.S_kv / row.l_sel() + 3, last};
  if (ranges && !entries.empty() && entries.back().second == row.position + 1) {
    const std::int64_t ends[] = {row.position + 2, row.workload.S_kv + row.l_sel(), INT_MAX};
    entries.back().second = ends[draw.below(3)];
  }
  for (std::int64_t i = static_cast<std::int64_t>(entries.size()); i < n; ++i) {
    const std::int64_t block = far[draw.below(4)];
    entries.push_back({block * row.l_sel(), (block + 1) * row.l_sel()});
  }
}

std::vector<Entry> make_ragged(const RowShape& row, std::int64_t n, Draw& draw) {
  const auto oddity = static_cast<Oddity>(draw.below(static_cast<std::int64_t>(Oddity::Count)));
  const bool ranges = row.workload.problem.input == SelectionInput::Ranges;
  std::vector<std::int64_t> no_row_before;
  std::vector<Entry> entries;
  if (oddity == Oddity::Empty) return entries;
  if (oddity == Oddity::Merged) return merge_neighbours(row, n, draw);
  if (oddity == Oddity::OneToken && ranges) {
    const std::int64_t token = draw.below(row.position + 1);
    return {{0, 0}, {token, token + 1}};
  }
  const std::int64_t used = oddity == Oddity::OneToken                                ? 1
                            : oddity == Oddity::Scattered || oddity == Oddity::Beyond ? (n + 1) / 2
                                                                                      : n;
  for (const std::int64_t block : choose_blocks(row, used, no_row_before, draw)) entries.push_back(row.block(block));
  if (oddity == Oddity::Partial && ranges) cut_blocks(entries, draw);
  if (oddity == Oddity::Beyond) add_beyond(row, n, entries, draw);
  if (oddity == Oddity::Scattered) entries.resize(static_cast<std::size_t>(n), ranges ? Entry{7, 7} : Entry{0, 0});
  if (oddity == Oddity::Scattered || oddity == Oddity::Unsorted)
    for (std::size_t i = entries.size(); i > 1; --i)
      std::swap(entries[i - 1], entries[static_cast<std::size_t>(draw.below(static_cast<std::int64_t>(i)))]);
  return entries;
}

std::int32_t* row_entries(const Workload& w, HostTensor& sel, std::int64_t row) {
  return reinterpret_cast<std::int32_t*>(sel.data.data()) + row * w.n * entry_ints(w.problem);
}

// Rows s of one (b, g), [begin, end), in order.
void fill_chain(const Workload& w, const InputRecipe& recipe, std::int64_t bg, std::int64_t begin, std::int64_t end,
                HostTensor& sel) {
  std::vector<std::int64_t> before;
  const std::int64_t start = rows_before(w, bg / w.G);
  for (std::int64_t s = begin; s < end; ++s) {
    const std::int64_t row = (start + s) * w.G + bg % w.G;
    Draw draw(mix_bits(recipe.seed * 8 + 7) ^ mix_bits(static_cast<std::uint64_t>(row)));
    const RowShape shape{.workload = w, .position = query_position(w, s)};
    std::vector<Entry> entries;
    if (recipe.kind == InputKind::Ragged)
      entries = make_ragged(shape, w.n, draw);
    else
      for (const std::int64_t block : choose_blocks(shape, w.n, before, draw)) entries.push_back(shape.block(block));
    if (entries.size() > static_cast<std::size_t>(w.n)) entries.erase(entries.begin(), entries.end() - w.n);
    write_entries(w, entries, row_entries(w, sel, row));
  }
}

}  // namespace

void fill_entries(const Workload& w, const InputRecipe& recipe, HostTensor& sel) {
  const std::int64_t chains = (w.S + kChain - 1) / kChain;
  for_each_piece(w.B * w.G * chains, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % chains * kChain;
      fill_chain(w, recipe, i / chains, first, std::min(sequence_length(w, i / chains / w.G), first + kChain), sel);
    }
  });
}

void move_ignored_entries(const Workload& w, std::int64_t position, HostTensor& sel) {
  const bool ranges = w.problem.input == SelectionInput::Ranges;
  const std::int32_t step = ranges ? w.problem.l_sel : 1;
  const int ints = entry_ints(w.problem);
  const auto move_row = [&](std::int32_t* entries, int count, std::int64_t own) {
    for (int i = 0; i < count; i += ints) {
      const std::int64_t first = static_cast<std::int64_t>(entries[i]) * (ranges ? 1 : w.problem.l_sel);
      if (first <= own || entries[i + ints - 1] > INT_MAX - step) continue;
      for (int part = 0; part < ints; ++part) entries[i + part] += step;
    }
  };
  for (std::int64_t b = 0, row = 0; b < w.B; ++b) {
    const std::int64_t rows = sequence_length(w, b) * w.G;
    for (std::int64_t i = 0; i < rows; ++i, ++row) {
      const std::int64_t own = query_position(w, i / w.G);
      if (own <= position) move_row(row_entries(w, sel, row), w.n * ints, own);
    }
  }
}

}  // namespace nsajit::templates
