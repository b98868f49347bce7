// The references of the sliding and the compressed branch, against the formula written down a second time.

#include <cmath>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "tests/templates/naive_attention.h"

using namespace nsajit;

namespace {

// Tokens of a compressed one all lie at or before t; a window holds the last w tokens.
bool sees(const Problem& p, std::int64_t t, std::int64_t key) {
  if (p.branch == Branch::Compressed) return key * p.d + p.l - 1 <= t;
  return key <= t && key > t - p.w;
}

templates_test::NaiveRow naive_row(const Workload& w, const std::vector<HostTensor>& inputs, std::int64_t row) {
  const std::int64_t g = row % w.G, s = row / w.G % w.S, b = row / w.G / w.S, t = w.S_kv - w.S + s;
  const auto starts = [&](std::size_t tensor) { return reinterpret_cast<const std::int32_t*>(inputs[tensor].data.data()); };
  templates_test::NaivePlace at{.b = b, .g = g, .query = b * w.S + s, .keys = w.S_kv};
  if (w.problem.layout == Layout::Varlen) {
    at.query = starts(3)[b] + s;
    at.first_key = starts(inputs.size() - 1)[b];
    at.keys = starts(inputs.size() - 1)[b + 1] - at.first_key;
  }
  return naive_attention(w, inputs, at, [&](std::int64_t key) { return sees(w.problem, t, key); });
}

double distance(double a, double b) { return a == b ? 0 : std::abs(a - b); }

double furthest_from_formula(const char* text) {
  const Workload w = parse_workload(text);
  const Op& op = find_op(w.problem);
  const auto inputs = op.make_inputs(w, {.seed = 3});
  const Reference reference = op.reference({.workload = w}, inputs);
  double furthest = 0;
  std::size_t o = 0, lse = 0;
  for (const std::int64_t row : reference.rows) {
    const auto naive = naive_row(w, inputs, row);
    for (const double x : naive.o) furthest = std::max(furthest, distance(reference.oracle[0][o++], x));
    for (const double x : naive.lse) furthest = std::max(furthest, distance(reference.oracle[1][lse++], x));
  }
  return furthest;
}

Reference reference_of(const char* text) {
  const Workload w = parse_workload(text);
  const Op& op = find_op(w.problem);
  return op.reference({.workload = w}, op.make_inputs(w, {}));
}

}  // namespace

TEST_CASE("the oracle of dense attention is the formula, in every dtype and layout") {
  for (const char* text :
       {"sliding,bf16,group=3,dk=32,dv=48,w=40;B=2,S=70,S_kv=90,G=2", "sliding,fp16,group=2,dk=16,dv=32,w=1,flash;B=1,S=40,G=3",
        "sliding,fp32,group=1,dk=48,dv=16,w=200;B=2,S=60,S_kv=60,G=1",
        "sliding,bf16,group=2,dk=32,dv=16,w=33,varlen;B=5,S=80,G=2", "compressed,bf16,group=3,dk=32,dv=48;B=2,S=70,S_kv=170,G=2",
        "compressed,fp16,group=2,dk=16,dv=32,flash;B=1,S=140,G=3",
        "compressed,fp32,group=1,dk=48,dv=16,l=16,d=16;B=2,S=60,S_kv=60,G=1",
        "compressed,bf16,group=2,dk=32,dv=16,varlen;B=5,S=170,G=2"}) {
    INFO(text);
    CHECK(furthest_from_formula(text) < 1e-6);
  }
}

TEST_CASE("a window of no tokens gives exactly 0 with a log-sum-exp of -inf") {
  const Reference reference = reference_of("sliding,bf16,group=2,dk=16,dv=16,w=0;B=1,S=5,S_kv=9,G=1");
  CHECK(reference.oracle[0] == std::vector<double>(5 * 32, 0.0));
  CHECK(reference.oracle[1] == std::vector<double>(5 * 2, -INFINITY));
}

TEST_CASE("before the first block of compression is whole nothing is seen") {
  const Reference reference = reference_of("compressed,bf16,group=1,dk=16,dv=16;B=1,S=33,G=1");
  CHECK(std::isinf(reference.oracle[1][30]));
  CHECK(std::isfinite(reference.oracle[1][31]));
  CHECK(reference_of("compressed,bf16,group=1,dk=16,dv=16;B=1,S=20,G=1").oracle[0] == std::vector<double>(20 * 16, 0.0));
}
