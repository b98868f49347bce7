// The float64 oracle and its same-dtype twin, against the formula written down a second time.

#include <cmath>

#include <catch2/catch_all.hpp>

#include "templates/common/host_elements.h"
#include "templates/common/sequences.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_reference.h"
#include "tests/templates/naive_selection.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

struct Difference {
  double oracle = 0, same_dtype = 0;  // largest absolute ones, over O and LSE
};

double distance(double a, double b) { return a == b ? 0 : std::abs(a - b); }

Difference compare_with_naive(const char* text, InputKind kind) {
  const Workload w = parse_workload(text);
  const auto inputs = make_selection_inputs(w, {.kind = kind, .seed = 11});
  const Reference reference = make_selection_reference(w, inputs, sample_rows(w, 60));
  Difference difference;
  std::size_t o = 0, lse = 0;
  const auto note = [&](std::size_t output, std::size_t at, double expected) {
    difference.oracle = std::max(difference.oracle, distance(reference.oracle[output][at], expected));
    difference.same_dtype = std::max(difference.same_dtype, distance(reference.same_dtype[output][at], expected));
  };
  for (const std::int64_t row : reference.rows) {
    const auto naive = templates_test::naive_selection(w, inputs, row / w.G / w.S, row / w.G % w.S, row % w.G);
    for (const double x : naive.o) note(0, o++, x);
    for (const double x : naive.lse) note(1, lse++, x);
  }
  return difference;
}

std::vector<double> first_row_of(const Reference& reference) { return reference.oracle[0]; }

}  // namespace

TEST_CASE("the oracle is the formula, in every dtype, layout, input and raggedness") {
  for (const char* text : {"bf16,group=3,dk=32,dv=48,n_sel=3;B=2,S=150,S_kv=170,G=2,n=3",
                           "fp16,group=2,dk=16,dv=32,n_sel=2,flash,blocks;B=1,S=140,S_kv=140,G=3,n=2",
                           "fp32,group=1,dk=64,dv=16,n_sel=3,flash;B=2,S=70,S_kv=200,G=1,n=3",
                           "bf16,group=2,dk=32,dv=16,n_sel=3,varlen;B=5,S=170,S_kv=170,G=2,n=3"})
    for (const InputKind kind : {InputKind::Random, InputKind::Ragged}) {
      INFO(text);
      CHECK(compare_with_naive(text, kind).oracle < 1e-6);  // the scale is a float: 1e-8 relative
    }
}

TEST_CASE("the same-dtype reference is as far from the formula as its dtype, not further") {
  const double bf16 =
      compare_with_naive("bf16,group=3,dk=32,dv=48,n_sel=3;B=2,S=150,S_kv=170,G=2,n=3", InputKind::Random).same_dtype;
  const double fp16 =
      compare_with_naive("fp16,group=3,dk=32,dv=48,n_sel=3;B=2,S=150,S_kv=170,G=2,n=3", InputKind::Random).same_dtype;
  const double fp32 =
      compare_with_naive("fp32,group=3,dk=32,dv=48,n_sel=3;B=2,S=150,S_kv=170,G=2,n=3", InputKind::Random).same_dtype;
  CHECK((bf16 > 1e-3 && bf16 < 2e-2));
  CHECK((fp16 > 1e-4 && fp16 < 2e-3));
  CHECK((fp32 > 1e-8 && fp32 < 5e-6));
}

TEST_CASE("large logits stay finite and select the largest") {
  const Workload w = parse_workload("bf16,group=2,dk=64,dv=32,n_sel=2;B=1,S=70,S_kv=70,G=1,n=2");
  const auto inputs = make_selection_inputs(w, {.kind = InputKind::LargeLogits});
  const Reference reference = make_selection_reference(w, inputs, {69});
  CHECK(std::isfinite(reference.same_dtype[0][0]));
  CHECK(std::abs(reference.oracle[1][0]) > 100);
}

TEST_CASE("a row that selects nothing is exactly 0 with an LSE of -inf") {
  const Workload w = parse_workload("bf16,group=2,dk=16,dv=16,n_sel=2;B=1,S=70,S_kv=70,G=1,n=2");
  auto inputs = make_selection_inputs(w, {});
  std::fill(inputs[3].data.begin(), inputs[3].data.end(), std::byte{0});
  const Reference reference = make_selection_reference(w, inputs, {5});
  CHECK(first_row_of(reference) == std::vector<double>(32, 0.0));
  CHECK(reference.oracle[1] == std::vector<double>(2, -INFINITY));
  CHECK(reference.same_dtype[1] == std::vector<double>(2, -INFINITY));
}

TEST_CASE("sampled rows are distinct, ordered, spread over all groups and include the last") {
  const Workload w = parse_workload("group=1,dk=16,dv=16;B=2,S=4096,S_kv=4096,G=4");
  const auto rows = sample_rows(w, 64);
  std::vector<int> per_group(4);
  for (const std::int64_t row : rows) ++per_group[static_cast<std::size_t>(row % 4)];
  CHECK(rows.back() == 2 * 4096 * 4 - 1);
  CHECK(std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end());
  CHECK((rows.size() >= 60 && rows.size() <= 66));
  CHECK(*std::min_element(per_group.begin(), per_group.end()) > 5);
  CHECK(sample_rows(w, 0).size() == 2 * 4096 * 4);
}
