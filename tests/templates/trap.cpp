// Traps: ids and ranges that select nothing, edges of tiles, and rows that one of the variants has to treat apart.

#include "tests/templates/trap.h"

#include <algorithm>
#include <climits>

namespace nsajit::templates_test {
namespace {

using Entries = std::span<std::int32_t>;
using Write = std::function<void(const TrapRow&, Entries)>;

std::int32_t as_int(std::int64_t value) { return static_cast<std::int32_t>(value); }

void write_range(Entries entries, std::int64_t index, std::int64_t begin, std::int64_t end) {
  entries[static_cast<std::size_t>(2 * index)] = as_int(begin);
  entries[static_cast<std::size_t>(2 * index + 1)] = as_int(end);
}

// Block `block` as entry `index`, in the form of the problem.
void write_block(const TrapRow& row, Entries entries, std::int64_t index, std::int64_t block) {
  if (row.workload.problem.input == SelectionInput::Blocks)
    entries[static_cast<std::size_t>(index)] = as_int(block);
  else
    write_range(entries, index, block * row.l_sel(), (block + 1) * row.l_sel());
}

// Every other entry selects nothing, the first one among them.
void write_invalid_between(const TrapRow& row, Entries entries) {
  const std::int64_t n = row.workload.n, S_kv = row.workload.S_kv;
  const std::int64_t ids[] = {-1, INT_MAX, INT_MIN, row.local() + 1, S_kv / row.l_sel() + 5, -7};
  const std::int64_t ranges[][2] = {{9, 3},           {INT_MAX - 1, INT_MAX},      {INT_MIN, -3},
                                    {S_kv, S_kv + 7}, {row.position + 1, INT_MAX}, {-4, 0}};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto which = static_cast<std::size_t>((i / 2 + row.s) % 6);
    if (i % 2 == 1)
      write_block(row, entries, i, row.local() - i / 2);  // early on it lies before token 0: one more that is invalid
    else if (row.workload.problem.input == SelectionInput::Blocks)
      entries[static_cast<std::size_t>(i)] = as_int(ids[which]);
    else
      write_range(entries, i, ranges[which][0], ranges[which][1]);
  }
}

void write_descending(const TrapRow& row, Entries entries) {
  for (std::int64_t i = 0; i < std::min<std::int64_t>(row.workload.n, row.local() + 1); ++i)
    write_block(row, entries, i, row.local() - i);
}

void write_block_0(const TrapRow& row, Entries entries) { write_block(row, entries, row.workload.n - 1, 0); }

void write_seldom(const TrapRow& row, Entries entries) {
  if (row.s % 7 == 3) write_block(row, entries, 0, row.local());
}

// Each range crosses an edge of tiles, so that a row meets more tiles than it has entries; every third row is aligned.
void write_unaligned(const TrapRow& row, Entries entries) {
  const std::int64_t shift = row.s % 3 == 2 ? 0 : 1 + (row.s * 7 + row.g) % (row.l_sel() - 1);
  for (std::int64_t i = 0; i < row.workload.n; ++i) {
    const std::int64_t begin = 2 * i * row.l_sel() + shift;
    if (begin <= row.position) write_range(entries, i, begin, begin + row.l_sel());
  }
}

// All n_sel blocks as one range, aligned in every other row.
void write_merged(const TrapRow& row, Entries entries) {
  const std::int64_t begin = row.s % 2 == 0 ? row.l_sel() : row.l_sel() / 2 + row.s % row.l_sel();
  write_range(entries, row.workload.n / 2, begin, begin + row.workload.n * row.l_sel());
}

// Single tokens on both sides of every edge of 16 tokens, several to a tile.
void write_edge_tokens(const TrapRow& row, Entries entries) {
  for (std::int64_t i = 0; i < row.workload.n; ++i) {
    const std::int64_t token = (i + 1) / 2 * 16 - i % 2;
    if (token >= 0 && token <= row.position) write_range(entries, i, token, token + 1);
  }
}

void write_negative_begin(const TrapRow& row, Entries entries) {
  write_range(entries, row.workload.n - 1, -5 - row.s, std::min<std::int64_t>(row.l_sel(), 3 + row.s));
}

Workload sized(const Problem& problem, std::int64_t S, std::int64_t S_kv) {
  Workload workload{.problem = problem, .B = 2, .S = S, .S_kv = S_kv, .G = 2};
  workload.n = static_cast<int>(std::min<std::int64_t>(problem.n_sel, (S_kv + problem.l_sel - 1) / problem.l_sel));
  return workload;
}

}  // namespace

std::vector<Trap> make_traps(const Problem& problem) {
  const std::int64_t wide = (2 * std::int64_t{problem.n_sel} + 3) * problem.l_sel + 5;
  const std::int64_t all = static_cast<std::int64_t>(problem.n_sel) * problem.l_sel;
  std::vector<Trap> traps;
  const auto add = [&](const char* name, const Workload& workload, Write write, std::int64_t samples) {
    traps.push_back({.name = name, .workload = workload, .write = std::move(write), .sampled_rows = samples});
  };
  add("invalid entries between valid ones", sized(problem, 37, wide), write_invalid_between, 40);
  add("invalid entries in short rows", sized(problem, 45, 45), write_invalid_between, 0);
  add("descending entries", sized(problem, 29, wide), write_descending, 40);
  add("block 0 alone, by every row", sized(problem, 1100, 1100), write_block_0, 80);
  add(
      "nothing by any row", sized(problem, 70, 70), [](const TrapRow&, Entries) {}, 0);
  add("one row in seven", sized(problem, 75, 75), write_seldom, 0);
  if (problem.input == SelectionInput::Blocks) return traps;
  add("ranges across the edges of tiles", sized(problem, 40, wide), write_unaligned, 60);
  add("one range of all blocks", sized(problem, 21, all + 2 * problem.l_sel + 25), write_merged, 40);
  add("tokens on both sides of edges", sized(problem, 90, wide), write_edge_tokens, 80);
  add("ranges that begin before token 0", sized(problem, 33, wide), write_negative_begin, 0);
  return traps;
}

std::vector<Trap> make_far_offset_traps(const Problem& problem) {
  constexpr std::int64_t kElements = (std::int64_t{1} << 31) + (std::int64_t{1} << 24);
  Workload keys{.problem = problem, .B = 1, .S = 16, .S_kv = 0, .G = 8, .n = problem.n_sel};
  keys.S_kv = kElements / keys.G / problem.dk;
  Workload queries{.problem = problem, .B = 1, .S = 0, .S_kv = 0, .G = 8, .n = problem.n_sel};
  queries.S = queries.S_kv = kElements / queries.G / problem.group / problem.dk;
  return {{.name = "keys beyond 2^31 elements", .workload = keys, .write = {}, .sampled_rows = 32},
          {.name = "queries beyond 2^31 elements", .workload = queries, .write = {}, .sampled_rows = 64}};
}

}  // namespace nsajit::templates_test
