// The gate: tensors and strides, modes of its cases, what its inputs hold where nothing may be read, reference and counts.

#include <cmath>
#include <cstring>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "templates/common/host_elements.h"
#include "templates/gate/gate_op.h"
#include "tests/templates/fields_config.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::WithinRel;

namespace {

Workload small() { return parse_workload("gate,fp32,dv=16,group=2;B=2,S=3,G=2"); }

nsajit_gate_args arguments_of(const Op& op, const ParityCase& parity_case) {
  static char memory[8];
  std::vector<void*> addresses;
  for (std::size_t i = 0; i < op.tensors(parity_case.workload).size(); ++i) addresses.push_back(memory + i);
  const auto bytes = op.case_arguments(parity_case, addresses, nullptr);
  nsajit_gate_args args;
  REQUIRE(bytes.size() == sizeof(args));
  std::memcpy(&args, bytes.data(), sizeof(args));
  return args;
}

ParityCase case_of(const Workload& w, InputKind kind, std::uint64_t seed) {
  return {.name = "x", .workload = w, .recipe = {.kind = kind, .seed = seed}};
}

bool all_nan(const HostTensor& tensor, std::int64_t begin, std::int64_t step) {
  for (std::int64_t i = begin; i < tensor.spec.elements(); i += step)
    if (!std::isnan(load_element(tensor.data.data(), tensor.spec.type, i))) return false;
  return true;
}

}  // namespace

TEST_CASE("the gate's strides reach exactly the last row and the last gate") {
  for (const char* text : {"gate,dv=48,group=3;B=3,S=5,G=2", "gate,dv=48,group=3,flash;B=3,S=5,G=2"}) {
    const Workload w = parse_workload(text);
    const Op& op = find_op(w.problem);
    const nsajit_gate_args args = arguments_of(op, {.workload = w});
    CHECK(args.forced == -1);
    CHECK((w.B - 1) * args.o_b + (w.S - 1) * args.o_s + (w.G - 1) * args.o_g + 2 * args.o_h + 48 == op.tensors(w)[4].elements());
    const nsajit_gate_source& win = args.source[2];
    CHECK((w.B - 1) * win.gate_b + (w.S - 1) * win.gate_s + (w.G - 1) * win.gate_g + 2 * win.gate_h + 3 ==
          op.tensors(w)[3].elements());
    CHECK(static_cast<const char*>(win.gate) - static_cast<const char*>(args.source[0].gate) == 4);  // bf16
  }
}

TEST_CASE("a case forces each branch, and leaves each out") {
  const GateOp op;
  std::set<int> forced, absent;
  for (const ParityCase& spec : op.parity_cases(small())) {
    const nsajit_gate_args args = arguments_of(op, spec);
    if (args.forced >= 0) forced.insert(args.forced);
    for (int branch = 0; branch < 3; ++branch)
      if (args.source[branch].o == nullptr) absent.insert(branch);
  }
  CHECK(forced == std::set<int>{0, 1, 2});
  CHECK(absent == std::set<int>{0, 1, 2});
}

TEST_CASE("what a forced gate must not read is NaN") {
  const auto inputs = GateOp().make_inputs(small(), {.kind = InputKind::OneBranch, .seed = 4});  // 4 % 3: selection
  CHECK(all_nan(inputs[0], 0, 1));
  CHECK_FALSE(all_nan(inputs[1], 0, 1));
  CHECK(all_nan(inputs[2], 0, 1));
  CHECK(all_nan(inputs[3], 0, 1));
}

TEST_CASE("an absent branch and its gates are NaN, the others are not") {
  const auto inputs = GateOp().make_inputs(small(), {.kind = InputKind::TwoBranches, .seed = 4});
  CHECK(all_nan(inputs[1], 0, 1));
  CHECK(all_nan(inputs[3], 1, 3));
  CHECK_FALSE(all_nan(inputs[3], 0, 3));
  CHECK_FALSE(all_nan(inputs[3], 2, 3));
}

TEST_CASE("the gate's reference is the sum of gate times branch, and a forced branch itself") {
  const Workload w = small();
  const GateOp op;
  for (const InputKind kind : {InputKind::Random, InputKind::OneBranch, InputKind::TwoBranches}) {
    const ParityCase spec = case_of(w, kind, 4);
    const auto inputs = op.make_inputs(w, spec.recipe);
    const Reference reference = op.reference(spec, inputs);
    const auto value = [&](std::size_t tensor, std::int64_t i) {
      return double{load_element(inputs[tensor].data.data(), ElementType::FP32, i)};
    };
    const std::int64_t row = reference.rows[3], head = row * 2 + 1, element = head * 16 + 5;
    double expected = 0;
    for (std::size_t branch = 0; branch < 3; ++branch) {
      if (kind == InputKind::OneBranch) continue;
      if (kind == InputKind::TwoBranches && branch == 1) continue;
      expected += value(branch, element) * value(3, head * 3 + static_cast<std::int64_t>(branch));
    }
    if (kind == InputKind::OneBranch) expected = value(1, element);
    CHECK_THAT(reference.oracle[0][3 * 32 + 16 + 5], WithinRel(expected, 1e-12));
    CHECK_THAT(reference.same_dtype[0][3 * 32 + 16 + 5], WithinRel(expected, 1e-5));
  }
}

TEST_CASE("the gate has no threshold") {
  CHECK(find_op(small().problem).threshold_name(small().problem).empty());
  CHECK(find_op(small().problem).threshold_ladder(small()).empty());
}

TEST_CASE("the work of a gate is three reads and a write of each row, and its gates") {
  const Workload w = parse_workload("gate,bf16,dv=128,group=4;B=2,S=10,G=3");
  CHECK(GateOp().work(w).bytes == 2 * 10 * 3 * 4 * (4 * 128 * 2 + 3 * 2));
  CHECK(GateOp(gate::GateStorage::Fp32).work(w).bytes == 2 * 10 * 3 * 4 * (4 * 128 * 2 + 3 * 4));
}

TEST_CASE("a gate on CUDA covers every row once, and is predicted where the machine is known") {
  const Workload w = parse_workload("gate,bf16,dv=80,group=3;B=5,S=1001,G=2");
  const Op& op = find_op(w.problem);
  Target h200 = cuda_profile("90a");
  const LaunchPlan plan = op.plan(w, parse_config("gate_rows{threads=128,vectors=4}"), h200);
  const std::int64_t rows = 128 * 4 / 10;  // 10 vectors of 16 bytes a row
  CHECK(plan.steps[0].grid == std::array<std::uint32_t, 3>{static_cast<std::uint32_t>((1001 * 6 + rows - 1) / rows), 5, 1});
  CHECK(op.predict(w, op.default_config(w.problem, h200), h200)->time_us == 0);
  h200.name = "NVIDIA H200", h200.l2_bytes = 60 << 20;
  CHECK_THAT(op.predict(w, op.default_config(w.problem, h200), h200)->time_us, WithinRel(2.6 + op.work(w).bytes / 4.3e6, 1e-9));
  CHECK_FALSE(op.predict(w, op.default_config(w.problem, h200), templates_test::cpu_target(8)));
}
