// The pooling kernels: on the CPU through the gate of parity and over tensors as callers may have them; on CUDA compiled for
// every SM without a GPU, gated on a real one.

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/pooling_args.h"
#include "tests/templates/gated_kernels.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "pooling,bf16,dk=192,dv=128;B=2,S=700,G=2",
    "pooling,fp32,dk=16,dv=256,l=64,d=16,flash;B=2,S=300,G=3",
    "pooling,fp16,dk=64,dv=64,l=16,d=16,varlen;B=5,S=200,G=2",
    "pooling,bf16,dk=80,dv=48,l=24,d=8,l_sel=16,varlen;B=3,S=150,G=1",
    "pooling,fp32,dk=32,dv=32,l=5,d=1,l_sel=7;B=1,S=90,G=2",
    "pooling,bf16,dk=256,dv=256,l=32,d=16;B=3,S=1,S_kv=64,G=2",
    "pooling,bf16,dk=64,dv=64,l=256,d=4,l_sel=4;B=1,S=600,G=1",
    "pooling,fp16,dk=128,dv=16,l=1,d=1,l_sel=1;B=2,S=20,G=1",
};

}  // namespace

TEST_CASE("the pooling CPU kernels pass parity", "[pooling]") {
  const CpuGate cpu;
  for (const char* tuple : kTuples) CHECK(cpu.gate(tuple, 6) == "");
}

TEST_CASE("K alone is compressed where there is no V, from tokens and into rows with padding", "[pooling]") {
  const CpuGate cpu;
  const Workload w = parse_workload("pooling,fp32,dk=16,dv=64,l=4,d=2,l_sel=4;B=1,S=6,S_kv=20,G=1");
  std::vector<float> k(20 * 24), k_cmp(3 * 20, -1.0f);
  std::iota(k.begin(), k.end(), 0.0f);
  nsajit_pooling_args args{.k = k.data(), .k_cmp = k_cmp.data(), .k_s = 24, .k_cmp_s = 20, .B = 1, .G = 1, .first = 6, .S_c = 9};
  cpu.launch(w, std::as_bytes(std::span(&args, 1)));
  for (int i = 0; i < 3; ++i)
    for (int e = 0; e < 20; ++e) {
      const float mean = static_cast<float>(((6 + i) * 2 * 2 + 3) * 12 + e);  // of tokens t .. t+3, 24 apart
      CHECK(k_cmp[static_cast<std::size_t>(i * 20 + e)] == (e < 16 ? mean : -1.0f));
    }
}

TEST_CASE("every pooling kernel compiles for every SM without spilling", "[pooling]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Candidate> candidates;
  for (const char* arch : {"80", "89", "90a", "120"})
    for (const char* tuple : {kTuples[0], kTuples[1]}) {
      const auto chosen = choose_candidates(parse_workload(tuple).problem, cuda_profile(arch), 2);
      candidates.insert(candidates.end(), chosen.begin(), chosen.end());
    }
  CHECK(find_spilling(candidates, *compiler) == "");
}

TEST_CASE("every pooling kernel passes parity on CUDA", "[pooling][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  for (const char* tuple : kTuples) {
    const Workload w = parse_workload(tuple);
    CHECK(find_gate_failures(find_op(w.problem), w, choose_candidates(w.problem, device->target(), 9), *compiler, *device) == "");
  }
}
