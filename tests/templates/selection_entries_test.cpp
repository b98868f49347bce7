// Generated selections keep the contract of their input kind: causal, disjoint, forced blocks in, reproducible.

#include <algorithm>
#include <set>

#include <catch2/catch_all.hpp>

#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

struct Generated {
  Workload workload;
  HostTensor sel;
  const std::int32_t* row(std::int64_t index) const {
    return reinterpret_cast<const std::int32_t*>(sel.data.data()) + index * workload.n * entry_ints(workload.problem);
  }
  std::int64_t rows() const { return workload.B * workload.S * workload.G; }
  std::int64_t position(std::int64_t index) const { return query_position(workload, index / workload.G % workload.S); }
  std::vector<std::int64_t> tokens(std::int64_t index) const { return selected_tokens(workload, row(index), position(index)); }
};

Generated generate(const char* text, InputRecipe recipe) {
  const Workload workload = parse_workload(text);
  return {.workload = workload, .sel = make_selection_inputs(workload, recipe)[kSel]};
}

// The first row that selects a token twice; -1: none.
std::int64_t find_overlapping_row(const Generated& generated) {
  for (std::int64_t row = 0; row < generated.rows(); ++row) {
    const auto tokens = generated.tokens(row);
    if (std::set(tokens.begin(), tokens.end()).size() != tokens.size()) return row;
  }
  return -1;
}

// The first row without block 0 or a local block, with an entry out of order, beyond its position, or fewer blocks
// than there are; -1: none.
std::int64_t find_irregular_row(const Generated& generated) {
  const Workload& w = generated.workload;
  for (std::int64_t row = 0; row < generated.rows(); ++row) {
    const std::int64_t position = generated.position(row), local = position / w.problem.l_sel;
    const auto tokens = generated.tokens(row);
    std::set<std::int64_t> blocks;
    for (const std::int64_t token : tokens) blocks.insert(token / w.problem.l_sel);
    const bool forced = blocks.contains(0) && blocks.contains(local) && blocks.contains(std::max<std::int64_t>(0, local - 1));
    const bool full = static_cast<std::int64_t>(blocks.size()) == std::min<std::int64_t>(w.n, local + 1);
    if (!forced || !full || tokens.back() != position || !std::is_sorted(tokens.begin(), tokens.end())) return row;
  }
  return -1;
}

int last_end(const Generated& generated, std::int64_t row) {
  int end = 0;
  for (int i = 0; i < generated.workload.n; ++i) end = std::max(end, generated.row(row)[2 * i + 1]);
  return end;
}

std::int64_t count_rows(const Generated& generated, auto&& holds) {
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < generated.rows(); ++row) count += holds(row) ? 1 : 0;
  return count;
}

// The blocks of a row that are not forced: those before the two local ones, without block 0.
std::set<std::int64_t> random_blocks(const Generated& generated, std::int64_t row) {
  const std::int64_t l_sel = generated.workload.problem.l_sel, local = generated.position(row) / l_sel;
  std::set<std::int64_t> blocks;
  for (const std::int64_t token : generated.tokens(row))
    if (token >= l_sel && token / l_sel <= local - 2) blocks.insert(token / l_sel);
  return blocks;
}

// Share of the random blocks that rows have in common with the row before, over all rows, in percent.
double measured_overlap(const Generated& generated) {
  const Workload& w = generated.workload;
  double shared = 0, all = 0;
  for (std::int64_t row = 0; row < generated.rows(); ++row) {
    if (row / w.G % w.S == 0) continue;
    const auto now = random_blocks(generated, row), before = random_blocks(generated, row - w.G);
    all += static_cast<double>(now.size());
    for (const std::int64_t block : now) shared += before.contains(block) ? 1 : 0;
  }
  return 100 * shared / all;
}

double measured_overlap(const std::string& text, int overlap) {
  return measured_overlap(generate((text + ",overlap=" + std::to_string(overlap)).c_str(), {}));
}

constexpr const char* kRanges = "group=1,dk=16,dv=16,n_sel=8,ranges;B=2,S=700,S_kv=1500,G=2,n=8";
constexpr const char* kBlocks = "group=1,dk=16,dv=16,n_sel=8,blocks;B=2,S=700,S_kv=700,G=2,n=8";

}  // namespace

TEST_CASE("random selections hold the forced blocks, are sorted, disjoint and reach exactly to the position") {
  CHECK(find_irregular_row(generate(kRanges, {})) == -1);
  CHECK(find_irregular_row(generate(kBlocks, {})) == -1);
  CHECK(find_overlapping_row(generate(kRanges, {})) == -1);
}

TEST_CASE("random ranges never reach beyond the position of their row") {
  const Generated generated = generate(kRanges, {});
  CHECK(count_rows(generated, [&](std::int64_t row) { return last_end(generated, row) > generated.position(row) + 1; }) == 0);
}

TEST_CASE("ragged selections stay disjoint once clamped") {
  CHECK(find_overlapping_row(generate(kRanges, {.kind = InputKind::Ragged, .seed = 3})) == -1);
  CHECK(find_overlapping_row(generate(kBlocks, {.kind = InputKind::Ragged, .seed = 4})) == -1);
}

TEST_CASE("ragged selections hold empty rows, one-token rows and entries beyond the position") {
  const Generated ranges = generate(kRanges, {.kind = InputKind::Ragged, .seed = 5});
  CHECK(count_rows(ranges, [&](std::int64_t row) { return ranges.tokens(row).empty(); }) > 50);
  CHECK(count_rows(ranges, [&](std::int64_t row) { return ranges.tokens(row).size() == 1; }) > 50);
  CHECK(count_rows(ranges, [&](std::int64_t row) { return last_end(ranges, row) > ranges.workload.S_kv; }) > 50);
  CHECK(count_rows(ranges, [&](std::int64_t row) {
          const auto t = ranges.tokens(row);
          return !std::is_sorted(t.begin(), t.end());
        }) > 50);
  const Generated blocks = generate(kBlocks, {.kind = InputKind::Ragged, .seed = 6});
  CHECK(count_rows(blocks, [&](std::int64_t row) { return blocks.tokens(row).empty(); }) > 50);
  CHECK(count_rows(blocks, [&](std::int64_t row) {
          return *std::max_element(blocks.row(row), blocks.row(row) + 8) > 700 / 64 + 1;
        }) > 50);
}

// Long rows, short ones where chance alone shares much, and rows with one random block, which takes all or nothing.
TEST_CASE("neighbouring rows share the asked share of their random blocks") {
  const std::string text = GENERATE("group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=600,S_kv=60000,G=2",
                                    "group=1,dk=16,dv=16,n_sel=16,ranges;B=2,S=600,S_kv=3000,G=1",
                                    "group=1,dk=16,dv=16,n_sel=4,ranges;B=2,S=1000,S_kv=20000,G=2",
                                    "group=1,dk=16,dv=16,n_sel=4,blocks;B=1,S=4000,G=1");
  for (const int overlap : {10, 25, 50, 75, 90}) {
    CAPTURE(text, overlap);
    CHECK(std::abs(measured_overlap(text, overlap) - overlap) < 3);
  }
  CHECK(measured_overlap(text, 100) > 98);  // a chain of rows starts afresh, and the first rows have few to choose from
}

TEST_CASE("rows that draw for themselves share what chance gives") {
  CHECK(measured_overlap("group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=600,S_kv=60000,G=1", 0) < 3);
  CHECK(std::abs(measured_overlap("group=1,dk=16,dv=16,n_sel=16,ranges;B=1,S=600,S_kv=3000,G=1", 0) - 100 * 13 / 39.0) < 6);
}

TEST_CASE("rows that cannot differ as much as asked share no more than they must") {
  const std::string text = "group=1,dk=16,dv=16,n_sel=16,blocks;B=1,S=60,S_kv=1472,G=1";  // 13 of 20 blocks, 7 are new
  CHECK(std::abs(measured_overlap(text, 10) - 100 * 6 / 13.0) < 3);
}

TEST_CASE("selections that overlap stay causal, sorted, distinct and full") {
  const char* text = GENERATE("group=1,dk=16,dv=16,n_sel=8,ranges;B=2,S=700,S_kv=1500,G=2,overlap=50",
                              "group=1,dk=16,dv=16,n_sel=8,blocks;B=2,S=700,G=2,overlap=75",
                              "group=1,dk=16,dv=16,n_sel=8,blocks;B=1,S=600,G=1,overlap=10",
                              "group=1,dk=16,dv=16,n_sel=8,ranges;B=1,S=600,G=1,overlap=100");
  CHECK(find_irregular_row(generate(text, {})) == -1);
  CHECK(find_overlapping_row(generate(text, {})) == -1);
}

TEST_CASE("the same seed gives the same selections, another seed others") {
  CHECK(generate(kRanges, {.seed = 9}).sel.data == generate(kRanges, {.seed = 9}).sel.data);
  CHECK(generate(kRanges, {.seed = 9}).sel.data != generate(kRanges, {.seed = 10}).sel.data);
}
