// The estimate of a launch's overlap against generated selections, whose overlap is known.

#include "nsajit/selection_overlap.h"

#include <algorithm>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::Contains;

namespace {

std::vector<std::int32_t> sequence_ends(const Workload& w) {
  std::vector<std::int32_t> starts;
  for (std::int64_t b = 0; b <= w.B; ++b) starts.push_back(static_cast<std::int32_t>(rows_before(w, b)));
  return starts;
}

// What a caller copies to the host.
std::vector<std::int32_t> copy_entries(const Workload& w, const std::vector<RowPair>& pairs, const HostTensor& sel) {
  const auto* all = reinterpret_cast<const std::int32_t*>(sel.data.data());
  const std::int64_t ints = static_cast<std::int64_t>(w.n) * entry_ints(w.problem);
  std::vector<std::int32_t> entries;
  for (const RowPair& pair : pairs)
    for (const std::int64_t row : {pair.before, pair.row})
      entries.insert(entries.end(), all + row * ints, all + (row + 1) * ints);
  return entries;
}

int estimate(const std::string& text, std::uint64_t seed = 1, InputKind kind = InputKind::Random) {
  const Workload w = parse_workload(text);
  const HostTensor sel = make_selection_inputs(w, {.kind = kind, .seed = seed})[kSel];
  const auto pairs = pick_row_pairs(w, sequence_ends(w));
  return estimate_overlap(w, pairs, copy_entries(w, pairs, sel));
}

int error_of(const std::string& text, int overlap) {
  return std::abs(estimate(text + ",overlap=" + std::to_string(overlap)) - overlap);
}

std::string refusal(auto&& call) {
  try {
    call();
  } catch (const Error& error) { return error.what(); }
  return "none";
}

}  // namespace

TEST_CASE("the overlap of generated selections is found from 64 pairs of rows") {
  const std::string text = GENERATE(
      "group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=8192,G=1", "group=1,dk=16,dv=16,n_sel=16,ranges;B=2,S=2048,S_kv=30000,G=3",
      "group=1,dk=16,dv=16,n_sel=32,l_sel=32,ranges;B=1,S=9000,G=2", "group=1,dk=16,dv=16,n_sel=8,varlen,blocks;B=5,S=20000,G=2");
  CAPTURE(text);
  CHECK(error_of(text, 50) <= 6);
  CHECK(error_of(text, 75) <= 6);
  CHECK(error_of(text, 90) <= 6);
  CHECK(error_of(text, 100) <= 2);
}

TEST_CASE("rows that draw for themselves have no overlap, however much they share by chance") {
  const char* text =
      GENERATE("group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=8192,G=1", "group=1,dk=16,dv=16,n_sel=16,ranges;B=2,S=1500,G=2",
               "group=1,dk=16,dv=16,n_sel=4,ranges;B=1,S=4096,G=1", "group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=1024,G=4",
               "group=1,dk=16,dv=16,n_sel=4,blocks;B=1,S=128,S_kv=1024,G=1");
  for (std::uint64_t seed = 1; seed <= 5; ++seed) CHECK(estimate(text, seed) == 0);
}

TEST_CASE("ranges that begin and end inside blocks count as the blocks they touch") {
  const Workload w = parse_workload("group=1,dk=16,dv=16,l_sel=16,n_sel=2,ranges;B=1,S=2,S_kv=10000,G=1");
  const std::vector<RowPair> pairs = pick_row_pairs(w);
  REQUIRE(pairs.size() == 1);
  CHECK(estimate_overlap(w, pairs, std::vector<std::int32_t>{1000, 1001, 2000, 2048, 1007, 1008, 3000, 3008}) == 50);
  CHECK(estimate_overlap(w, pairs, std::vector<std::int32_t>{1000, 1064, 0, 0, 1010, 1060, 0, 0}) == 100);
  CHECK(estimate_overlap(w, pairs, std::vector<std::int32_t>{1000, 1001, 0, 0, 2000, 2001, 0, 0}) == 0);
}

TEST_CASE("unused and hostile entries share nothing") {
  const Workload blocks = parse_workload("group=1,dk=16,dv=16,n_sel=2,blocks;B=1,S=2,S_kv=10000,G=1");
  CHECK(estimate_overlap(blocks, pick_row_pairs(blocks), std::vector<std::int32_t>{-1, 2147483647, -1, 2147483647}) == 0);
  const Workload ranges = parse_workload("group=1,dk=16,dv=16,n_sel=1,ranges;B=1,S=2,S_kv=10000,G=1");
  CHECK(estimate_overlap(ranges, pick_row_pairs(ranges), std::vector<std::int32_t>{-2147483647 - 1, -5, 900, 2}) == 0);
  CHECK_NOTHROW(estimate("group=1,dk=16,dv=16,n_sel=16,ranges;B=1,S=800,G=2", 3, InputKind::Ragged));
}

TEST_CASE("a launch with one row a sequence has no pairs and no overlap") {
  const Workload w = parse_workload("group=1,dk=16,dv=16,n_sel=4,blocks;B=8,S=1,S_kv=4096,G=2");
  CHECK(pick_row_pairs(w).empty());
  CHECK(estimate_overlap(w, {}, {}) == 0);
}

TEST_CASE("pairs are neighbours inside one sequence and spread over sequences and groups") {
  const char* text =
      GENERATE("group=1,dk=16,dv=16,n_sel=4,blocks;B=3,S=700,G=4", "group=1,dk=16,dv=16,n_sel=4,varlen,blocks;B=9,S=300,G=3",
               "group=1,dk=16,dv=16,n_sel=4,blocks;B=2,S=2,S_kv=4096,G=5");
  const Workload w = parse_workload(text);
  const auto starts = sequence_ends(w);
  const auto pairs = pick_row_pairs(w, starts);
  REQUIRE(pairs.size() == std::min<std::size_t>(64, static_cast<std::size_t>((w.S - 1) * w.B * w.G)));
  std::set<std::int64_t> groups, sequences;
  for (const RowPair& pair : pairs) {
    CHECK(pair.row - pair.before == w.G);
    const auto sequence = std::upper_bound(starts.begin(), starts.end(), pair.row / w.G) - starts.begin() - 1;
    const std::int64_t s = pair.row / w.G - starts[static_cast<std::size_t>(sequence)];
    CHECK(s >= 1);
    CHECK(pair.position == query_position(w, s));
    groups.insert(pair.row % w.G);
    sequences.insert(sequence);
  }
  CHECK(static_cast<std::int64_t>(groups.size()) == w.G);
  CHECK(sequences.size() >= 2);
}

TEST_CASE("entries of another number and wrong sequence starts are refused") {
  const Workload w = parse_workload("group=1,dk=16,dv=16,n_sel=4,blocks;B=1,S=2,S_kv=4096,G=1");
  CHECK_THAT(refusal([&] { estimate_overlap(w, pick_row_pairs(w), std::vector<std::int32_t>(7)); }),
             Contains("1 pairs") && Contains("have 8") && Contains("given are 7"));
  const Workload packed = parse_workload("group=1,dk=16,dv=16,n_sel=4,varlen,blocks;B=2,S=512,G=1");
  CHECK_THAT(refusal([&] { pick_row_pairs(packed); }), Contains("has 0 values; 3 are needed"));
  CHECK_THAT(refusal([&] { pick_row_pairs(packed, std::vector<std::int32_t>{0, 9, 5}); }), Contains("ascending"));
}
