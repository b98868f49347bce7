// Causality check: entries that end at a row's position pass, one that goes further is named by row and entry.

#include "runtime/causality_check.h"

#include <catch2/catch_all.hpp>

#include <vector>

namespace nsajit::runtime {
namespace {

// One row per position from 2 to 4 of 5 tokens, two entries each, blocks of 2.
ChosenEntries three_rows(SelectionInput input) {
  const int ints = input == SelectionInput::Ranges ? 4 : 2;
  return {.input = input, .l_sel = 2, .B = 1, .S = 3, .S_kv = 5, .G = 1, .n = 2, .sel_b = 3 * ints, .sel_s = ints, .sel_g = ints};
}

std::string fault(ChosenEntries chosen, const std::vector<std::int32_t>& sel) {
  chosen.sel = sel;
  CHECK(count_ints(chosen) == static_cast<std::int64_t>(sel.size()));
  return find_future_entry(chosen);
}

}  // namespace

TEST_CASE("ranges end behind their row's position at most", "[runtime]") {
  const ChosenEntries rows = three_rows(SelectionInput::Ranges);
  CHECK(fault(rows, {0, 2, 2, 3, 0, 4, 0, 0, 9, 9, 0, 5}).empty());
  CHECK(fault(rows, {0, 2, 2, 3, 0, 1, 1, 5, 0, 0, 0, 5}) == "row (b=0, s=1, g=0), entry 1: [1, 5) ends behind position 3");
}

TEST_CASE("blocks begin at their row's position at the latest", "[runtime]") {
  const ChosenEntries rows = three_rows(SelectionInput::Blocks);
  CHECK(fault(rows, {0, 1, -1, 1, 2, -1}).empty());
  CHECK(fault(rows, {0, 1, 0, 2, 2, -1}) == "row (b=0, s=1, g=0), entry 1: block 2 begins at 4, behind position 3");
}

TEST_CASE("rows of packed sequences have positions of their own", "[runtime]") {
  ChosenEntries rows = three_rows(SelectionInput::Blocks);
  const std::vector<std::int32_t> starts{0, 1, 3};
  rows.B = 2, rows.S = rows.S_kv = 2, rows.sel_b = 0, rows.cu_seqlens = starts;
  CHECK(fault(rows, {0, -1, 0, -1, 0, -1}).empty());
  CHECK(fault(rows, {0, -1, 0, -1, 1, -1}) == "row (b=1, s=1, g=0), entry 0: block 1 begins at 2, behind position 1");
}

TEST_CASE("strides are followed", "[runtime]") {
  ChosenEntries rows = three_rows(SelectionInput::Blocks);
  rows.B = 2, rows.S = 1, rows.S_kv = 1, rows.sel_b = 5;
  CHECK(fault(rows, {0, -1, 7, 7, 7, 0, 3}) == "row (b=1, s=0, g=0), entry 1: block 3 begins at 6, behind position 0");
}

}  // namespace nsajit::runtime
