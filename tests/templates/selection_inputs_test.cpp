// Generated tensors: distribution, reproducibility, the long period, and the changed future.

#include <cmath>
#include <cstring>

#include <catch2/catch_all.hpp>

#include "templates/common/host_elements.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

double moment(const HostTensor& tensor, int power) {
  double sum = 0;
  const std::int64_t count = tensor.spec.elements();
  for (std::int64_t i = 0; i < count; ++i) sum += std::pow(load_element(tensor.data.data(), tensor.spec.type, i), power);
  return sum / static_cast<double>(count);
}

// Elements that differ between two tensors at logical token indices up to `position`, and after it: {before, after}.
std::pair<std::int64_t, std::int64_t> count_changes(const HostTensor& a, const HostTensor& b, std::int64_t length,
                                                    std::int64_t inner, std::int64_t first) {
  std::pair<std::int64_t, std::int64_t> changes{0, 0};
  for (std::int64_t i = 0; i < a.spec.elements(); ++i) {
    if (load_element(a.data.data(), a.spec.type, i) == load_element(b.data.data(), b.spec.type, i)) continue;
    ++(i / inner % length < first ? changes.first : changes.second);
  }
  return changes;
}

constexpr const char* kFlash = "bf16,group=2,dk=32,dv=16,n_sel=3,flash;B=2,S=40,S_kv=200,G=3,n=3";
constexpr const char* kGrouped = "fp32,group=2,dk=32,dv=16,n_sel=3,blocks;B=2,S=40,S_kv=200,G=3,n=3";

std::int64_t count_different_selections(const Workload& w, const HostTensor& before, const HostTensor& after) {
  std::int64_t different = 0;
  const int ints = w.n * entry_ints(w.problem);
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
    const std::int64_t position = query_position(w, row / w.G % w.S);
    const auto* a = reinterpret_cast<const std::int32_t*>(before.data.data()) + row * ints;
    const auto* b = reinterpret_cast<const std::int32_t*>(after.data.data()) + row * ints;
    different += selected_tokens(w, a, position) != selected_tokens(w, b, position) ? 1 : 0;
  }
  return different;
}

}  // namespace

TEST_CASE("Q, K and V are normal, and large logits scale Q alone") {
  const Workload w = parse_workload(kGrouped);
  const auto inputs = make_selection_inputs(w, {}), large = make_selection_inputs(w, {.kind = InputKind::LargeLogits});
  CHECK(std::abs(moment(inputs[kK], 1)) < 0.02);
  CHECK(std::abs(moment(inputs[kK], 2) - 1) < 0.03);
  CHECK(std::abs(moment(inputs[kK], 4) - 3) < 0.3);
  CHECK(std::sqrt(moment(large[kQ], 2)) > 200);
  CHECK(large[kK].data == inputs[kK].data);
}

TEST_CASE("inputs depend on the seed alone and differ between tensors") {
  const Workload w = parse_workload("bf16,group=2,dk=32,dv=32,n_sel=3;B=1,S=64,S_kv=64,G=2,n=1");
  const auto a = make_selection_inputs(w, {.seed = 5}), b = make_selection_inputs(w, {.seed = 5}),
             c = make_selection_inputs(w, {.seed = 6});
  CHECK(a[kQ].data == b[kQ].data);
  CHECK(a[kQ].data != c[kQ].data);
  CHECK(a[kK].data != a[kV].data);
}

TEST_CASE("a tensor beyond 2^24 elements repeats a prime period") {
  const Workload w = parse_workload("bf16,group=1,dk=128,dv=16,n_sel=1;B=1,S=1,S_kv=140000,G=1,n=1");
  const auto inputs = make_selection_inputs(w, {});
  const auto& k = inputs[kK].data;
  REQUIRE(inputs[kK].spec.elements() > (1 << 24));
  CHECK(std::memcmp(k.data(), k.data() + std::size_t{2} * 4194301, 1 << 20) == 0);
  CHECK(std::memcmp(k.data(), k.data() + std::size_t{2} * 4194304, 1 << 20) != 0);
}

TEST_CASE("a changed future changes every later token and query and nothing before") {
  const Workload w = parse_workload(kFlash);
  const auto inputs = make_selection_inputs(w, {.kind = InputKind::Ragged}), changed = change_selection_future(w, inputs, 170);
  CHECK(count_changes(inputs[kQ], changed[kQ], 40, 3 * 2 * 32, 11) ==
        std::pair<std::int64_t, std::int64_t>(0, 2 * 29 * 3 * 2 * 32));
  CHECK(count_changes(inputs[kK], changed[kK], 200, 3 * 32, 171) == std::pair<std::int64_t, std::int64_t>(0, 2 * 29 * 3 * 32));
  CHECK(count_changes(inputs[kV], changed[kV], 200, 3 * 16, 171) == std::pair<std::int64_t, std::int64_t>(0, 2 * 29 * 3 * 16));
}

TEST_CASE("a changed future of packed sequences changes each one's tokens after the position") {
  const Workload w = parse_workload("bf16,group=2,dk=32,dv=16,n_sel=3,varlen;B=5,S=170,S_kv=170,G=3,n=3");
  const auto inputs = make_selection_inputs(w, {.kind = InputKind::Ragged}), changed = change_selection_future(w, inputs, 100);
  const auto* starts = reinterpret_cast<const std::int32_t*>(inputs[4].data.data());
  std::int64_t later = 0;
  for (int b = 0; b < 5; ++b) later += std::max(0, starts[b + 1] - starts[b] - 101);
  REQUIRE(later >= 69);
  CHECK(count_changes(inputs[kK], changed[kK], starts[5], 3 * 32, 0).second == later * 3 * 32);
  CHECK(count_changes(inputs[kQ], changed[kQ], starts[5], 3 * 2 * 32, 0).second == later * 3 * 2 * 32);
  CHECK(count_changes(inputs[kK], changed[kK], starts[5], 3 * 32, starts[4] + 101).second == 69 * 3 * 32);
}

TEST_CASE("a changed future keeps every row's selected tokens, though ignored entries move") {
  for (const char* text : {kFlash, kGrouped}) {
    const Workload w = parse_workload(text);
    const auto inputs = make_selection_inputs(w, {.kind = InputKind::Ragged}), changed = change_selection_future(w, inputs, 170);
    CHECK(count_different_selections(w, inputs[kSel], changed[kSel]) == 0);
    CHECK(inputs[kSel].data != changed[kSel].data);
  }
}
