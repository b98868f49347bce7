// The CUDA kernels of scoring: compiled for every SM without a GPU, gated on a real one.

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "tests/templates/gated_kernels.h"
#include "tests/templates/million_choices.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "scoring,bf16,dk=128,group=16;B=2,S=300,S_kv=4431,G=2",
    "scoring,bf16,dk=64,group=6,flash;B=2,S=130,S_kv=2100,G=3",
    "scoring,fp16,dk=192,group=16,n_sel=8,blocks,varlen;B=3,S=1300,G=2",
    "scoring,bf16,dk=32,group=4,n_sel=3,blocks;B=2,S=300,G=2",
    "scoring,bf16,dk=64,group=12,l=16,d=16,flash;B=1,S=200,S_kv=3000,G=2",
    "scoring,fp16,dk=96,group=3,l=16,d=16,l_sel=32,n_sel=5,varlen;B=4,S=900,G=2",
    "scoring,bf16,dk=128,group=1,n_sel=40,l_sel=32;B=1,S=150,S_kv=3300,G=2",
    "scoring,bf16,dk=256,group=20,n_sel=16;B=1,S=70,S_kv=2500,G=1",
    "scoring,bf16,dk=128,group=5,l=64,d=16,l_sel=128,n_sel=8,blocks;B=1,S=90,S_kv=3900,G=2",
    "scoring,bf16,dk=64,group=1;B=1,S=70,S_kv=40000,G=2",
    "scoring,bf16,dk=64,group=32,l=32,d=8,l_sel=16,n_sel=1;B=1,S=90,S_kv=900,G=1",
    "scoring,bf16,dk=64,group=2,l=48,d=16,l_sel=48,n_sel=33;B=1,S=80,S_kv=3100,G=2",
    "scoring,bf16,dk=128,group=64,n_sel=8;B=1,S=90,S_kv=2300,G=2",
    "scoring,fp16,dk=256,group=33,flash;B=1,S=75,S_kv=2300,G=1",
    "scoring,bf16,dk=96,group=47,n_sel=5,varlen;B=3,S=700,G=2",
    "scoring,fp32,dk=64,group=4,n_sel=8;B=2,S=200,S_kv=2300,G=2",
    "scoring,fp32,dk=256,group=16,flash;B=1,S=90,S_kv=2600,G=2",
    "scoring,fp32,dk=48,group=37,n_sel=40,l_sel=32,blocks,varlen;B=3,S=1500,G=1",
    "scoring,fp32,dk=192,group=64,l=16,d=16,n_sel=8;B=1,S=70,S_kv=2100,G=1",
};

}  // namespace

TEST_CASE("the default and the baseline of scoring tuples compile for every SM without spilling", "[scoring]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Problem> problems;
  for (const std::size_t tuple : {0, 1, 2, 7, 13, 16, 18}) problems.push_back(parse_workload(kTuples[tuple]).problem);
  CHECK(find_spilling(default_candidates(problems), *compiler) == "");
  CHECK(find_spilling(baseline_candidates(problems), *compiler) == "");
}

TEST_CASE("Hopper's scoring kernel exists where dk is a multiple of a panel", "[scoring]") {
  const auto has_wgmma = [](const char* tuple, const char* arch) {
    const Problem problem = parse_workload(tuple).problem;
    const auto configs = find_op(problem).space(problem, cuda_profile(arch)).valid_configs();
    return std::ranges::any_of(configs, [](const Config& config) { return config.variant == "score_wgmma"; });
  };
  CHECK(has_wgmma(kTuples[0], "90a"));
  CHECK_FALSE(has_wgmma(kTuples[0], "80"));
  CHECK_FALSE(has_wgmma(kTuples[5], "90a"));
}

TEST_CASE("what CUDA has no scoring kernel for is refused with a way out", "[scoring]") {
  const Target target = cuda_profile("90a");
  for (const char* tuple : {"scoring,fp32,dk=64,l=32,d=1,l_sel=128", "scoring,bf16,dk=64,l=32,d=1,l_sel=128"}) {
    const Problem problem = parse_problem(tuple);
    INFO(tuple);
    CHECK_THROWS_WITH(find_op(problem).default_config(problem, target), Catch::Matchers::Contains("--device cpu"));
  }
}

TEST_CASE("every scoring CUDA variant passes the gate on a spread of tuples", "[scoring][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  for (const char* tuple : kTuples) {
    const Workload workload = parse_workload(tuple);
    INFO(tuple);
    CHECK(find_gate_failures(find_op(workload.problem), workload, choose_candidates(workload.problem, device->target(), 4),
                             *compiler, *device) == "");
  }
}

TEST_CASE("a million rows on CUDA choose what the reference chooses, ties too, however ranges are formed", "[scoring][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  const MillionChoices choices = count_million_choices(*compiler, *device);
  CHECK(choices.wrong == "");
  CHECK(choices.rows > 1'000'000);
}
