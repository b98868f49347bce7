// The CUDA kernels of selection on a real GPU: every variant through the gate, on a spread of tuples and on the traps.

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "tests/templates/gated_kernels.h"
#include "tests/templates/spread_tuples.h"
#include "tests/templates/trap_op.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

struct Gpu {
  Environment environment = read_environment();
  std::unique_ptr<runtime::Device> device = runtime::make_device("cuda", environment);
  std::unique_ptr<codegen::Compiler> compiler = codegen::make_compiler(Backend::Cuda, environment);

  std::string gate(const char* tuple) const {
    const Problem problem = parse_problem(tuple);
    const Op& op = find_op(problem);
    Workload workload{.problem = problem, .B = 3, .S = 200, .S_kv = 0, .G = 3, .n = problem.n_sel};
    workload.S_kv = std::max<std::int64_t>(331, std::int64_t{problem.n_sel} * problem.l_sel + 131);
    if (problem.layout == Layout::Varlen) workload.S = workload.S_kv;
    return find_gate_failures(op, workload, choose_candidates(problem, device->target(), 3), *compiler, *device);
  }

  std::string gate_traps(const char* tuple, TensorForm form) const {
    const Problem problem = parse_problem(tuple);
    const TrapOp op(problem, make_traps(problem), form);
    return gate_op(op, problem, 2);
  }

  std::string gate_op(const TrapOp& op, const Problem& problem, std::size_t per_variant) const {
    const Workload workload{.problem = problem};
    return find_gate_failures(op, workload, choose_candidates(problem, device->target(), per_variant), *compiler, *device);
  }
};

}  // namespace

TEST_CASE("every CUDA variant passes the gate on a spread of tuples", "[selection][gpu]") {
  const Gpu gpu;
  for (const char* tuple : kSpreadTuples) CHECK(gpu.gate(tuple) == "");
}

// A chunk takes the memory of the one before it.
TEST_CASE("every CUDA variant that goes by chunks of rows passes the gate over several", "[selection][gpu]") {
  const Gpu gpu;
  for (const char* tuple : {"bf16,dk=64,dv=64,group=2,l_sel=64,n_sel=5", "fp16,dk=128,dv=64,group=3,l_sel=128,n_sel=4,blocks"}) {
    const Problem problem = parse_problem(tuple);
    const Workload workload{.problem = problem, .B = 1, .S = 16500, .S_kv = 16600, .G = 2, .n = problem.n_sel};
    std::vector<Candidate> chunked = choose_candidates(problem, gpu.device->target(), 12);
    std::erase_if(chunked, [&](const Candidate& candidate) {
      const auto chunk = candidate.config.values.find("chunk");
      return chunk == candidate.config.values.end() || chunk->second >= workload.S;
    });
    CHECK(chunked.size() > 4);
    CHECK(find_gate_failures(find_op(problem), workload, chunked, *gpu.compiler, *gpu.device) == "");
  }
}

TEST_CASE("every CUDA variant passes the traps", "[selection][gpu]") {
  const Gpu gpu;
  for (const char* tuple : kTrapTuples) CHECK(gpu.gate_traps(tuple, TensorForm::Dense) == "");
}

TEST_CASE("every CUDA variant follows strides that are not contiguous", "[selection][gpu]") {
  const Gpu gpu;
  for (const char* tuple : kTrapTuples) CHECK(gpu.gate_traps(tuple, TensorForm::Strided) == "");
}

TEST_CASE("every CUDA variant leaves a null log-sum-exp alone", "[selection][gpu]") {
  const Gpu gpu;
  for (const char* tuple : {kTrapTuples[0], kTrapTuples[1]}) CHECK(gpu.gate_traps(tuple, TensorForm::WithoutLse) == "");
}

// 9 GB of tensors on the host, as much again on the GPU.
TEST_CASE("offsets beyond 2^31 elements reach the right tokens and rows on CUDA", "[selection][gpu][slow]") {
  const Gpu gpu;
  const Problem problem = parse_problem("bf16,dk=256,dv=64,group=16,l_sel=64,n_sel=4,flash,blocks");
  for (const Trap& trap : make_far_offset_traps(problem)) {
    INFO(trap.name);
    CHECK(gpu.gate_op(TrapOp(problem, {trap}, TensorForm::Dense), problem, 1) == "");
  }
}
