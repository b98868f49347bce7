// The traps on the CPU backend, compiled by the JIT: the same cases that CUDA kernels face on a GPU, so that a trap which
// expects the wrong thing shows on any machine.

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "tests/templates/gated_kernels.h"
#include "tests/templates/spread_tuples.h"
#include "tests/templates/trap_op.h"
#include "tuner/parity.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

struct Cpu {
  Environment environment = read_environment();
  std::unique_ptr<runtime::Device> device = runtime::make_device("cpu", environment);
  std::unique_ptr<codegen::Compiler> compiler = codegen::make_compiler(Backend::Cpu, environment);

  std::string gate_traps(const char* tuple, TensorForm form) const {
    const Problem problem = parse_problem(tuple);
    const TrapOp op(problem, make_traps(problem), form);
    return find_gate_failures(op, {.problem = problem}, choose_candidates(problem, device->target(), 0), *compiler, *device);
  }
};

// What the gate says of a kernel compiled for another tuple than the one it is checked for.
std::string gate_stranger(const char* tuple, const char* compiled_for) {
  const Cpu cpu;
  const Problem problem = parse_problem(tuple);
  const TrapOp op(problem, make_traps(problem), TensorForm::Dense);
  const auto candidates = choose_candidates(parse_problem(compiled_for), cpu.device->target(), 0);
  return find_gate_failures(op, {.problem = problem}, {candidates.data(), 1}, *cpu.compiler, *cpu.device);
}

constexpr const char* kSmallRanges = "fp32,dk=32,dv=48,group=2,l_sel=32,n_sel=3,grouped,ranges";
constexpr const char* kSmallBlocks = "bf16,dk=48,dv=32,group=3,l_sel=16,n_sel=4,flash,blocks";

}  // namespace

TEST_CASE("the CPU kernels pass the traps in every form of the tensors", "[selection]") {
  const Cpu cpu;
  for (const TensorForm form : {TensorForm::Dense, TensorForm::Strided, TensorForm::WithoutLse}) {
    INFO("form " << static_cast<int>(form));
    CHECK(cpu.gate_traps(kSmallRanges, form) == "");
    CHECK(cpu.gate_traps(kSmallBlocks, form) == "");
  }
}

TEST_CASE("the CPU kernels pass the traps of large tuples", "[selection][slow]") {
  const Cpu cpu;
  for (const char* tuple : kTrapTuples) CHECK(cpu.gate_traps(tuple, TensorForm::Strided) == "");
}

TEST_CASE("a kernel for blocks of another length falls into the traps", "[selection]") {
  CHECK(gate_stranger("fp32,dk=32,dv=32,group=1,l_sel=32,n_sel=4,blocks", "fp32,dk=32,dv=32,group=1,l_sel=16,n_sel=4,blocks") !=
        "");
}
