// The traps on the CPU backend, compiled by the JIT: the same cases that CUDA kernels face on a GPU, so that a trap which
// expects the wrong thing shows on any machine.

#include <algorithm>

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

// Rows whose ranges meet more tiles of l_sel tokens than the row has entries: KV-major treats them apart.
std::int64_t count_rows_of_many_tiles(const char* tuple) {
  const Problem problem = parse_problem(tuple);
  const TrapOp op(problem, make_traps(problem), TensorForm::Dense);
  std::int64_t rows = 0;
  for (const ParityCase& trap : op.parity_cases({})) {
    const Workload& w = trap.workload;
    const std::vector<HostTensor> inputs = op.make_inputs(w, trap.recipe);
    const auto* range = reinterpret_cast<const std::int32_t*>(inputs[3].data.data());
    for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
      const std::int64_t limit = w.S_kv - w.S + row / w.G % w.S + 1;
      std::int64_t tiles = 0;
      for (int i = 0; i < w.n; ++i, range += 2) {
        const std::int64_t begin = std::max(range[0], 0), end = std::min<std::int64_t>(range[1], limit);
        if (begin < end) tiles += (end - 1) / problem.l_sel - begin / problem.l_sel + 1;
      }
      rows += tiles > problem.n_sel ? 1 : 0;
    }
  }
  return rows;
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

TEST_CASE("the traps hold rows that meet more tiles than they have entries", "[selection]") {
  CHECK(count_rows_of_many_tiles(kSmallRanges) > 50);
  CHECK(count_rows_of_many_tiles(kTrapTuples[1]) > 50);
}

TEST_CASE("a kernel for blocks of another length falls into the traps", "[selection]") {
  CHECK(gate_stranger("fp32,dk=32,dv=32,group=1,l_sel=32,n_sel=4,blocks", "fp32,dk=32,dv=32,group=1,l_sel=16,n_sel=4,blocks") !=
        "");
}
