// Selection row check: entries one by one, then two by two, then their sum.

#include "templates/selection/selection_row_check.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace nsajit::templates {
namespace {

// Tokens [begin, end) of an entry that is used.
struct Used {
  std::int64_t begin = 0, end = 0;
  int entry = 0;
};

bool has_ranges(const Problem& problem) { return problem.input == SelectionInput::Ranges; }

Used read_entry(const Problem& problem, const CheckedRow& row, int entry) {
  if (has_ranges(problem)) return {.begin = row.entries[2 * entry], .end = row.entries[2 * entry + 1], .entry = entry};
  const std::int64_t block = row.entries[entry];
  if (block == -1) return {.entry = entry};
  return {.begin = block * problem.l_sel, .end = (block + 1) * problem.l_sel, .entry = entry};
}

std::string describe(const Problem& problem, const Used& used) {
  if (has_ranges(problem)) return fmt::format("range [{}, {})", used.begin, used.end);
  return fmt::format("block {}", used.begin / problem.l_sel);
}

std::string find_entry_fault(const Problem& problem, const CheckedRow& row, const Used& used) {
  if (used.end < used.begin) return fmt::format("{} ends before it begins", describe(problem, used));
  // The last block of a sequence may be cut; a range is given as it is.
  const std::int64_t last = has_ranges(problem) ? used.end - 1 : used.begin;
  if (used.begin >= 0 && last < row.keys) return {};
  return fmt::format("{} is outside the {} keys{}", describe(problem, used), row.keys,
                     has_ranges(problem) ? "" : fmt::format(" (blocks of {}; -1 = unused)", problem.l_sel));
}

std::string say(const CheckedRow& row, int entry, const std::string& why) {
  return fmt::format("row (b={}, s={}, g={}), entry {}: {}", row.b, row.s, row.g, entry, why);
}

// `used` ascending by their begin.
std::string find_overlap(const Problem& problem, const CheckedRow& row, const std::vector<Used>& used) {
  for (std::size_t i = 1; i < used.size(); ++i) {
    const Used &before = used[i - 1], &after = used[i];
    if (after.begin >= before.end) continue;
    const auto [first, second] = std::minmax(before, after, [](const Used& a, const Used& b) { return a.entry < b.entry; });
    if (!has_ranges(problem))
      return say(row, second.entry, fmt::format("{} is selected twice, in entry {} too", describe(problem, second), first.entry));
    return say(row, second.entry,
               fmt::format("{} overlaps entry {}, {}", describe(problem, second), first.entry, describe(problem, first)));
  }
  return {};
}

}  // namespace

std::string find_row_fault(const Problem& problem, const CheckedRow& row) {
  std::vector<Used> used;
  std::int64_t tokens = 0;
  for (int entry = 0; entry < row.n; ++entry) {
    const Used next = read_entry(problem, row, entry);
    if (next.begin == next.end) continue;
    if (const std::string why = find_entry_fault(problem, row, next); !why.empty()) return say(row, entry, why);
    tokens += std::max<std::int64_t>(0, std::min(next.end, row.position + 1) - next.begin);
    used.push_back(next);
  }
  std::sort(used.begin(), used.end(), [](const Used& a, const Used& b) { return a.begin < b.begin; });
  if (std::string overlap = find_overlap(problem, row, used); !overlap.empty()) return overlap;
  const std::int64_t most = static_cast<std::int64_t>(problem.n_sel) * problem.l_sel;
  if (tokens <= most) return {};
  return fmt::format("row (b={}, s={}, g={}) selects {} tokens; n_sel={} blocks of l_sel={} are {} at most", row.b, row.s, row.g,
                     tokens, problem.n_sel, problem.l_sel, most);
}

}  // namespace nsajit::templates
