// The CPU kernels of the sliding and the compressed branch, compiled by the JIT: through the gate, and over tensors as
// callers may have them.

#include <cmath>
#include <limits>
#include <span>

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "nsajit/dense_args.h"
#include "tests/templates/gated_kernels.h"
#include "tests/templates/naive_attention.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "sliding,bf16,dk=64,dv=64,group=6,w=100;B=2,S=130,G=2",
    "sliding,fp32,dk=32,dv=48,group=1,w=1;B=2,S=70,G=2",
    "sliding,fp32,dk=48,dv=32,group=3,w=33,varlen;B=3,S=120,G=2",
    "sliding,fp16,dk=192,dv=128,group=16,w=40,flash;B=1,S=90,S_kv=200,G=2",
    "sliding,bf16,dk=16,dv=16,group=64,w=20;B=1,S=50,G=1",
    "sliding,fp32,dk=64,dv=64,group=4,w=0;B=1,S=40,G=1",
    "sliding,fp32,dk=32,dv=32,group=2,w=24,l=48,d=24,l_sel=96,n_sel=3,blocks;B=1,S=60,G=1",
    "compressed,bf16,dk=64,dv=64,group=6;B=2,S=300,G=2",
    "compressed,fp32,dk=32,dv=208,group=5,l=16,d=16,flash;B=2,S=100,G=2",
    "compressed,fp16,dk=128,dv=64,group=12,l=64,d=16,varlen;B=4,S=200,G=1",
    "compressed,fp32,dk=32,dv=32,group=2,w=7,n_sel=3,blocks;B=1,S=200,G=1",
    "compressed,bf16,dk=256,dv=256,group=1,l=8,d=4,l_sel=16;B=1,S=60,S_kv=61,G=1",
};

// fp32, one sequence and group: q and o lie in rows of `pitch` elements, keys in rows of `key_pitch`.
struct Tensors {
  std::vector<HostTensor> inputs;
  std::vector<float> q, k, v, o;
  nsajit_dense_args args{};
};

Tensors make_strided(const Workload& w, std::int64_t pitch, std::int64_t key_pitch, std::int64_t keys) {
  const Op& op = find_op(w.problem);
  Tensors t{.inputs = op.make_inputs(w, {.seed = 5})};
  const std::int64_t dk = w.problem.dk, dv = w.problem.dv, h = w.problem.group;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto spread = [&](std::size_t tensor, std::int64_t rows, std::int64_t size, std::int64_t to) {
    std::vector<float> result(static_cast<std::size_t>(rows * to), nan);
    const auto* from = reinterpret_cast<const float*>(t.inputs[tensor].data.data());
    for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * size, size, result.begin() + i * to);
    return result;
  };
  t.q = spread(0, w.S * h, dk, pitch);
  t.k = spread(1, keys, dk, key_pitch);
  t.v = spread(2, keys, dv, key_pitch);
  t.o.assign(static_cast<std::size_t>(w.S * h * pitch), nan);
  t.args = {.q = t.q.data(), .k = t.k.data(), .v = t.v.data(), .o = t.o.data(), .q_s = h * pitch, .q_h = pitch};
  t.args.k_s = t.args.v_s = key_pitch;
  t.args.o_s = h * pitch, t.args.o_h = pitch;
  t.args.B = 1, t.args.S = w.S, t.args.S_kv = w.S_kv, t.args.G = 1, t.args.S_c = keys;
  t.args.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(dk)));
  return t;
}

// Largest distance of the launch from the formula; NaN counts as far. The padding has to stay as it was.
double furthest_from_formula(const CpuGate& cpu, const char* text, std::int64_t keys, std::int64_t seen_at_most) {
  const Workload w = parse_workload(text);
  const std::int64_t pitch = 96, dv = w.problem.dv, h = w.problem.group;
  const Tensors t = make_strided(w, pitch, 112, keys);
  cpu.launch(w, std::as_bytes(std::span(&t.args, 1)));
  double furthest = 0;
  for (std::int64_t s = 0; s < w.S; ++s) {
    const std::int64_t position = w.S_kv - w.S + s;
    const auto sees = [&](std::int64_t key) {
      if (w.problem.branch == Branch::Compressed) return key < seen_at_most && key * w.problem.d + w.problem.l <= position + 1;
      return key <= position && key > position - w.problem.w;
    };
    const NaiveRow naive = naive_attention(w, t.inputs, {.query = s, .keys = keys}, sees);
    for (std::int64_t i = 0; i < h * pitch; ++i) {
      const float got = t.o[static_cast<std::size_t>(s * h * pitch + i)];
      const std::int64_t j = i / pitch, d = i % pitch;
      const double error = d < dv ? std::abs(got - naive.o[static_cast<std::size_t>(j * dv + d)]) : std::isnan(got) ? 0 : 1;
      furthest = std::isnan(error) ? 1e9 : std::max(furthest, error);
    }
  }
  return furthest;
}

}  // namespace

TEST_CASE("the dense CPU kernels pass the gate: default, baseline and others of their space", "[dense]") {
  const CpuGate cpu;
  for (const char* tuple : kTuples) CHECK(cpu.gate(tuple, 3) == "");
}

TEST_CASE("dense CPU kernels take padded strides and no log-sum-exp, and write nothing else", "[dense]") {
  const CpuGate cpu;
  CHECK(furthest_from_formula(cpu, "sliding,fp32,dk=64,dv=48,group=3,w=20;B=1,S=50,S_kv=70,G=1", 70, 0) < 1e-5);
  CHECK(furthest_from_formula(cpu, "compressed,fp32,dk=64,dv=48,group=3;B=1,S=50,S_kv=200,G=1", 11, 11) < 1e-5);
}

TEST_CASE("a compressed row sees no more tokens than the caller has", "[dense]") {
  const CpuGate cpu;
  CHECK(furthest_from_formula(cpu, "compressed,fp32,dk=64,dv=48,group=3;B=1,S=50,S_kv=200,G=1", 4, 4) < 1e-5);
}
