// The gate's kernels: on the CPU through the gate of parity and over tensors as callers may have them; on CUDA compiled for
// every SM without a GPU, gated on a real one.

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/gate_args.h"
#include "templates/gate/gate_op.h"
#include "tests/templates/gated_kernels.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "gate,bf16,dv=128,group=16;B=2,S=70,G=2",
    "gate,bf16,dv=64,group=6,flash;B=2,S=130,G=3",
    "gate,fp16,dv=16,group=1,varlen;B=4,S=200,G=2",
    "gate,fp32,dv=256,group=5;B=1,S=65,G=1",
    "gate,fp32,dv=80,group=3,varlen,blocks;B=3,S=77,G=2",
    "gate,bf16,dv=208,group=64;B=1,S=20,G=1",
    "gate,fp16,dv=48,group=7,flash;B=300,S=1,G=2",
};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int kRows = 4;  // of the callers' tensors: S = 4, one sequence, one group of two heads

// One branch with rows wider than they need be and one gate for both heads; the others as given.
struct CallerTensors {
  std::vector<float> cmp = std::vector<float>(kRows * 2 * 20, kNan), win = std::vector<float>(kRows * 2 * 16), gates, o;
  nsajit_gate_args args{};

  CallerTensors() : gates(kRows * 2), o(kRows * 2 * 16, kNan) {
    std::iota(win.begin(), win.end(), 1.0f);
    std::iota(gates.begin(), gates.end(), 0.5f);
    for (int row = 0; row < kRows * 2; ++row)
      for (int i = 0; i < 16; ++i) cmp[static_cast<std::size_t>(row * 20 + i)] = static_cast<float>(row - i);
    args.source[0] = {.o = cmp.data(), .gate = gates.data(), .o_s = 40, .o_h = 20, .gate_s = 1};
    args.source[2] = {.o = win.data(), .gate = gates.data() + kRows, .o_s = 32, .o_h = 16, .gate_s = 1};
    args.o = o.data(), args.o_s = 32, args.o_h = 16;
    args.B = 1, args.S = kRows, args.G = 1, args.forced = -1;
  }
};

const Workload kCaller = parse_workload("gate,fp32,dv=16,group=2;B=1,S=4,G=1");

Workload workload_of(const char* text, const Target& target) {
  Workload w = parse_workload(text);
  if (target.backend == Backend::Cuda) w.S = w.S_kv *= 5;
  return w;
}

// Default, baseline and others of the space, with gates of the storage type and with fp32 gates.
std::string gate_both(const char* text, runtime::Device& device, codegen::Compiler& compiler) {
  const Workload w = workload_of(text, device.target());
  const auto candidates = choose_candidates(w.problem, device.target(), 9);
  const templates::GateOp fp32_gates(templates::gate::GateStorage::Fp32);
  return find_gate_failures(find_op(w.problem), w, candidates, compiler, device) +
         find_gate_failures(fp32_gates, w, candidates, compiler, device);
}

}  // namespace

TEST_CASE("the gate's CPU kernels pass parity, with gates of either type", "[gate]") {
  const CpuGate cpu;
  for (const char* tuple : kTuples) CHECK(gate_both(tuple, *cpu.device, *cpu.compiler) == "");
}

TEST_CASE("branches with strides of their own, an absent one, and one gate for all heads are combined", "[gate]") {
  const CpuGate cpu;
  const CallerTensors t;
  cpu.launch(kCaller, std::as_bytes(std::span(&t.args, 1)));
  double furthest = 0;
  for (int row = 0; row < kRows * 2; ++row)
    for (int i = 0; i < 16; ++i) {
      const auto s = static_cast<std::size_t>(row / 2), at = static_cast<std::size_t>(row * 16 + i);
      const double expected = t.gates[s] * t.cmp[static_cast<std::size_t>(row * 20 + i)] + t.gates[s + kRows] * t.win[at];
      const double error = std::abs(t.o[at] - expected);
      furthest = std::isnan(error) ? 1e9 : std::max(furthest, error);
    }
  CHECK(furthest < 1e-4);
}

TEST_CASE("a forced branch is copied to the bit, and a forced branch that is absent gives 0", "[gate]") {
  const CpuGate cpu;
  CallerTensors t;
  t.args.forced = 2;
  t.args.source[0].o = nullptr;
  t.args.source[2].gate = nullptr;
  cpu.launch(kCaller, std::as_bytes(std::span(&t.args, 1)));
  CHECK(t.o == t.win);
  t.args.forced = 1;
  cpu.launch(kCaller, std::as_bytes(std::span(&t.args, 1)));
  CHECK(t.o == std::vector<float>(kRows * 2 * 16, 0.0f));
}

TEST_CASE("every gate kernel compiles for every SM without spilling", "[gate]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Candidate> candidates;
  for (const char* arch : {"80", "89", "90a", "120"})
    for (const char* tuple : {kTuples[0], kTuples[3]}) {
      const auto chosen = choose_candidates(parse_workload(tuple).problem, cuda_profile(arch), 3);
      candidates.insert(candidates.end(), chosen.begin(), chosen.end());
    }
  CHECK(find_spilling(candidates, *compiler) == "");
}

TEST_CASE("every gate kernel passes parity on CUDA, with gates of either type", "[gate][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  for (const char* tuple : kTuples) CHECK(gate_both(tuple, *device, *compiler) == "");
}
