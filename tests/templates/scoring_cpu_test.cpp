// The CPU kernels of scoring, compiled by the JIT: through the gate, and both ways to form ranges beside each other.

#include <catch2/catch_all.hpp>

#include "codegen/kernel_source.h"
#include "core/env.h"
#include "tests/templates/gated_kernels.h"
#include "tests/templates/million_choices.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

struct Cpu : CpuGate {
  // The choices of all rows, on host memory.
  std::vector<std::int32_t> choose(const Workload& w, InputKind kind, const Config& config) const {
    const Op& op = find_op(w.problem);
    const auto compiled = compiler->compile(codegen::specialize(op, w.problem, config, device->target()), device->target());
    const auto kernel = device->load(std::get<codegen::Binary>(compiled));
    auto inputs = op.make_inputs(w, {.kind = kind, .seed = 9});
    std::vector<std::int32_t> sel(static_cast<std::size_t>(op.tensors(w)[2].elements()), 12345);
    std::vector<void*> addresses{inputs[0].data.data(), inputs[1].data.data(), sel.data(), inputs[2].data.data()};
    kernel->launch(op.plan(w, config, device->target()), op.arguments(w, addresses, nullptr), nullptr);
    device->synchronize();
    return sel;
  }
};

constexpr const char* kTuples[] = {
    "scoring,bf16,dk=64,group=6,n_sel=16;B=2,S=130,S_kv=2100,G=2",
    "scoring,fp32,dk=32,group=1,n_sel=3,blocks;B=2,S=300,G=2",
    "scoring,fp16,dk=192,group=16,n_sel=8,flash;B=1,S=40,S_kv=1500,G=2",
    "scoring,fp32,dk=48,group=3,l=16,d=16,l_sel=32,n_sel=5,varlen,blocks;B=4,S=300,G=2",
    "scoring,bf16,dk=128,group=4,l=64,d=16,l_sel=32,n_sel=33;B=1,S=90,S_kv=1300,G=1",
    "scoring,bf16,dk=16,group=64,l=8,d=4,l_sel=16,n_sel=1;B=1,S=50,G=1",
    "scoring,fp32,dk=64,group=2,n_sel=2,varlen;B=3,S=200,G=1",
};

}  // namespace

TEST_CASE("the scoring CPU kernels pass the gate: default, baseline and others of their space", "[scoring]") {
  const Cpu cpu;
  for (const char* tuple : kTuples) CHECK(cpu.gate(tuple, 2) == "");
}

TEST_CASE("ranges formed entry by entry and all alike are the same", "[scoring]") {
  const Cpu cpu;
  const Workload w = parse_workload("scoring,fp32,dk=16,group=1,l=8,d=8,l_sel=8,n_sel=9;B=1,S=3000,G=2");
  const Op& op = find_op(w.problem);
  const Config v1 = op.baseline_config(w.problem, cpu.device->target()), v2 = op.default_config(w.problem, cpu.device->target());
  for (const InputKind kind : {InputKind::Random, InputKind::Ties}) CHECK(cpu.choose(w, kind, v1) == cpu.choose(w, kind, v2));
}

TEST_CASE("a scoring kernel for another overlap of blocks fails the gate", "[scoring]") {
  const Cpu cpu;
  const Workload w = parse_workload("scoring,fp32,dk=32,group=2,l=32,d=16,l_sel=64,n_sel=4;B=1,S=100,S_kv=900,G=1");
  const auto stranger =
      choose_candidates(parse_problem("scoring,fp32,dk=32,group=2,l=16,d=16,l_sel=64,n_sel=4"), cpu.device->target(), 0);
  CHECK(find_gate_failures(find_op(w.problem), w, {stranger.data(), 1}, *cpu.compiler, *cpu.device) != "");
}

TEST_CASE("a million rows on the CPU choose what the reference chooses, ties too, however ranges are formed", "[scoring][slow]") {
  const Cpu cpu;
  const MillionChoices choices = count_million_choices(*cpu.compiler, *cpu.device);
  CHECK(choices.wrong == "");
  CHECK(choices.rows > 1'000'000);
}
