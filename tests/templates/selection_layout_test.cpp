// Shapes and strides of both layouts, with 64-bit offsets, and what entries select.

#include <catch2/catch_all.hpp>

#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

long long last_key_element(const Workload& w) {
  const nsajit_selection_args args = make_selection_args(w);
  return (w.B - 1) * args.k_b + (w.G - 1) * args.k_g + (w.S_kv - 1) * args.k_s + w.problem.dk - 1;
}

long long last_query_element(const Workload& w) {
  const nsajit_selection_args args = make_selection_args(w);
  return (w.B - 1) * args.q_b + (w.S - 1) * args.q_s + (w.G - 1) * args.q_g + (w.problem.group - 1) * args.q_h + w.problem.dk - 1;
}

std::vector<std::int64_t> select(const char* text, std::vector<std::int32_t> entries, std::int64_t position) {
  return selected_tokens(parse_workload(text), entries.data(), position);
}

using Tokens = std::vector<std::int64_t>;
constexpr const char* kRanges = "l_sel=4,d=4,l=4,n_sel=2,ranges;B=1,S=16,S_kv=16,G=1,n=2";
constexpr const char* kBlocks = "l_sel=4,d=4,l=4,n_sel=2,blocks;B=1,S=16,S_kv=16,G=1,n=2";

}  // namespace

TEST_CASE("strides reach exactly the last element of a tensor in either layout") {
  for (const char* text :
       {"group=6,dk=48,dv=80,grouped;B=3,S=5,S_kv=1030,G=2", "group=6,dk=48,dv=80,flash;B=3,S=5,S_kv=1030,G=2"}) {
    const Workload w = parse_workload(text);
    const auto specs = make_selection_tensors(w);
    CHECK(last_key_element(w) + 1 == specs[kK].elements());
    CHECK(last_query_element(w) + 1 == specs[kQ].elements());
  }
}

TEST_CASE("offsets beyond 2^31 elements do not wrap") {
  const Workload w = parse_workload("group=16,dk=256,dv=256,flash;B=4,S=1048576,S_kv=1048576,G=8");
  CHECK(last_key_element(w) + 1 == 4LL * 1048576 * 8 * 256);
  CHECK(last_query_element(w) + 1 == 4LL * 1048576 * 8 * 16 * 256);
  CHECK(make_selection_tensors(w)[kQ].bytes() == 2LL * 4 * 1048576 * 8 * 16 * 256);
}

TEST_CASE("the layout decides where the key heads lie") {
  const auto grouped = make_selection_args(parse_workload("group=2,dk=32,dv=64,grouped;B=2,S=8,S_kv=2000,G=4"));
  const auto flash = make_selection_args(parse_workload("group=2,dk=32,dv=64,flash;B=2,S=8,S_kv=2000,G=4"));
  CHECK(grouped.k_s == 32);
  CHECK(grouped.v_g == 2000 * 64);
  CHECK(flash.k_s == 4 * 32);
  CHECK(flash.v_g == 64);
  CHECK(flash.q_g == grouped.q_g);
  CHECK(flash.o_s == grouped.o_s);
}

TEST_CASE("packed sequences tile the rows: ragged, one of them empty, the last as long as the workload") {
  const Workload w = parse_workload("group=2,dk=32,dv=64,varlen;B=5,S=300,S_kv=300,G=4,n=4");
  CHECK(sequence_length(w, 0) > 0);
  CHECK(sequence_length(w, 0) < 300);
  CHECK(sequence_length(w, 1) == 0);
  CHECK(sequence_length(w, 4) == 300);
  CHECK(rows_before(w, 5) == rows_before(w, 4) + 300);
  CHECK(make_selection_tensors(w)[kQ].shape == std::vector<std::int64_t>{rows_before(w, 5), 8, 32});
  const nsajit_selection_args args = make_selection_args(w);
  CHECK(args.q_s == 4 * 2 * 32);
  CHECK(args.k_s == 4 * 32);
  CHECK((args.q_b == 0 && args.k_b == 0 && args.o_b == 0 && args.sel_b == 0));
}

TEST_CASE("entries are clamped to the position and ignored beyond it") {
  CHECK(select(kRanges, {2, 5, 9, 30}, 10) == Tokens{2, 3, 4, 9, 10});
  CHECK(select(kRanges, {7, 7, 11, 13}, 10).empty());
  CHECK(select(kRanges, {-3, 2, -9, -4}, 10) == Tokens{0, 1});
  CHECK(select(kBlocks, {2, 0}, 8) == Tokens{8, 0, 1, 2, 3});
  CHECK(select(kBlocks, {-1, 3}, 8).empty());
  CHECK(select(kBlocks, {2147483646, -7}, 15).empty());
}
