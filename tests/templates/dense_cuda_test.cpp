// The CUDA kernels of the sliding and the compressed branch: compiled for every SM without a GPU, gated on a real one.

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "tests/templates/gated_kernels.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "sliding,bf16,dk=128,dv=128,group=16,w=512",
    "sliding,bf16,dk=64,dv=64,group=6,w=100,flash",
    "sliding,fp16,dk=192,dv=128,group=16,w=64,varlen",
    "sliding,bf16,dk=32,dv=32,group=4,w=1",
    "sliding,bf16,dk=96,dv=160,group=3,w=77",
    "sliding,fp16,dk=64,dv=128,group=1,w=512,varlen",
    "sliding,bf16,dk=192,dv=192,group=20,w=33,flash",
    "sliding,bf16,dk=128,dv=64,group=5,w=0",
    "compressed,bf16,dk=128,dv=128,group=16",
    "compressed,bf16,dk=64,dv=64,group=12,l=16,d=16,varlen",
    "compressed,fp16,dk=192,dv=128,group=16,flash",
    "compressed,bf16,dk=32,dv=32,group=4,l=64,d=16",
    "compressed,bf16,dk=80,dv=48,group=7",
    "compressed,fp16,dk=128,dv=128,group=1",
    "compressed,bf16,dk=64,dv=256,group=64",
    "sliding,bf16,dk=256,dv=256,group=4,w=64",
    "compressed,fp16,dk=192,dv=256,group=12,flash",
    "sliding,fp32,dk=64,dv=64,group=4,w=100",
    "compressed,fp32,dk=192,dv=128,group=16,varlen",
    "sliding,fp32,dk=256,dv=256,group=64,w=33,flash",
    "compressed,fp32,dk=48,dv=208,group=3,l=16,d=16",
    "sliding,fp32,dk=16,dv=16,group=1,w=0",
};

Workload workload_of(const Problem& problem) {
  Workload workload{.problem = problem, .B = 3, .S = 300, .S_kv = 431, .G = 3, .n = problem.n_sel};
  if (problem.layout == Layout::Varlen) workload.S = workload.S_kv;
  return workload;
}

}  // namespace

TEST_CASE("the default and the baseline of dense tuples compile for every SM without spilling", "[dense]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Problem> problems;
  for (const std::size_t tuple : {0, 1, 4, 8, 15, 18, 19}) problems.push_back(parse_problem(kTuples[tuple]));
  CHECK(find_spilling(default_candidates(problems), *compiler) == "");
  CHECK(find_spilling(baseline_candidates(problems), *compiler) == "");
}

TEST_CASE("Hopper's dense kernels exist where head sizes are multiples of a panel", "[dense]") {
  const auto has_wgmma = [](const char* tuple, const char* arch) {
    const Problem problem = parse_problem(tuple);
    const auto configs = find_op(problem).space(problem, cuda_profile(arch)).valid_configs();
    return std::ranges::any_of(configs, [](const Config& config) { return config.variant == "dense_wgmma"; });
  };
  CHECK(has_wgmma(kTuples[0], "90a"));
  CHECK_FALSE(has_wgmma(kTuples[0], "80"));
  CHECK_FALSE(has_wgmma(kTuples[4], "90a"));
}

TEST_CASE("head sizes that no block has the shared memory for are refused with a way out", "[dense]") {
  const Problem problem = parse_problem("sliding,bf16,dk=256,dv=256,group=4,w=64");
  Target target = cuda_profile("120");
  target.smem_bytes = 48 << 10;
  CHECK_THROWS_WITH(find_op(problem).default_config(problem, target), Catch::Matchers::Contains("--device cpu"));
}

TEST_CASE("every dense CUDA variant passes the gate on a spread of tuples", "[dense][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  for (const char* tuple : kTuples) {
    const Problem problem = parse_problem(tuple);
    INFO(tuple);
    CHECK(find_gate_failures(find_op(problem), workload_of(problem), choose_candidates(problem, device->target(), 4), *compiler,
                             *device) == "");
  }
}
