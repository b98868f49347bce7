// The decode step's kernels: on the CPU through the gate of parity and over tensors as callers may have them; on CUDA
// compiled for every SM without a GPU, gated on a real one.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/decode_args.h"
#include "tests/templates/gated_kernels.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kTuples[] = {
    "decode,bf16,dk=192,dv=128,group=16;B=2,S=1,S_kv=4431,G=2",
    "decode,bf16,dk=192,dv=128,group=16;B=1,S=1,S_kv=65536,G=1",  // logits do not fit a cluster of 8
    "decode,bf16,dk=32,dv=32,group=4;B=3,S=1,S_kv=4096,G=2",
    "decode,fp16,dk=64,dv=64,group=6,flash,n_sel=5;B=2,S=1,S_kv=2100,G=3",
    "decode,bf16,dk=64,dv=80,group=1,l=16,d=16,l_sel=32,n_sel=40,w=100;B=2,S=1,S_kv=3300,G=1",
    "decode,bf16,dk=128,dv=128,group=5,l=64,d=16,l_sel=128,n_sel=8,flash;B=1,S=1,S_kv=3900,G=2",
    "decode,fp16,dk=96,dv=48,group=12,l=48,d=16,l_sel=48,n_sel=3,w=0;B=2,S=1,S_kv=1501,G=1",
    "decode,bf16,dk=256,dv=256,group=8,l=32,d=8,l_sel=16,n_sel=1,w=33;B=1,S=1,S_kv=900,G=1",
};

// One query head of 16 elements, 130 tokens: l = d = 16, l_sel = 16, n = 3 of 9 blocks, w = 20.
const Workload kCaller = parse_workload("decode,fp32,dk=16,dv=16,group=1,l=16,d=16,l_sel=16,n_sel=3,w=20;B=1,S=1,S_kv=130,G=1");

// Keys of zeros, so that a branch's output is the mean of what it sees; token i of the selection has value i, those of the
// window have 1000 + i, compressed ones 1.
struct CallerTensors {
  std::vector<float> q = std::vector<float>(16, 0.0f), k = std::vector<float>(144 * 16, 0.0f), v_cmp, v_sel, v_win, gates, o;
  std::vector<int> blocks = std::vector<int>(3, -7);
  nsajit_decode_args args{};

  CallerTensors() : v_cmp(9 * 16, 1.0f), gates{0.5f, 2.0f, -1.0f}, o(16, NAN) {
    for (int i = 0; i < 144 * 16; ++i)
      v_sel.push_back(static_cast<float>(i / 16)), v_win.push_back(static_cast<float>(1000 + i / 16));
    args.q = q.data(), args.o = o.data(), args.blocks = blocks.data();
    args.cmp = {.k = k.data(), .v = v_cmp.data(), .k_s = 16, .v_s = 16};
    args.sel = {.k = k.data(), .v = v_sel.data(), .k_s = 16, .v_s = 16};
    args.win = {.k = k.data(), .v = v_win.data(), .k_s = 16, .v_s = 16};
    for (int branch = 0; branch < 3; ++branch) args.gate[branch] = gates.data() + branch;
    args.B = args.G = 1, args.S_kv = 130, args.page = 16, args.n = 3, args.forced = -1, args.scale = 0.25f;
  }
};

void launch(const CallerTensors& tensors) {
  const CpuGate cpu;
  cpu.launch(kCaller, std::as_bytes(std::span(&tensors.args, 1)));
}

}  // namespace

TEST_CASE("the decode step's CPU kernels pass parity", "[decode]") {
  const CpuGate cpu;
  for (const char* tuple : kTuples) CHECK(cpu.gate(tuple, 2) == "");
  CHECK(cpu.gate("decode,fp32,dk=48,dv=64,group=20,n_sel=4;B=2,S=1,S_kv=900,G=2", 4) == "");
}

TEST_CASE("each branch sees its own cache, with its own gate", "[decode]") {
  CallerTensors t;
  launch(t);
  // Blocks 0, 7 and 8: tokens 0 .. 15 and 112 .. 129; the window: 110 .. 129.
  const double selected = (15 * 16 / 2.0 + (112 + 129) * 18 / 2.0) / 34, window = 1000 + (110 + 129) / 2.0;
  CHECK(t.blocks == std::vector<int>{0, 7, 8});
  for (const float value : t.o) CHECK(std::abs(value - (0.5 + 2 * selected - window)) < 1e-2);
}

TEST_CASE("a forced branch counts once, the others not at all", "[decode]") {
  for (const int forced : {0, 1, 2}) {
    CallerTensors t;
    t.args.forced = forced;
    t.args.gate[0] = t.args.gate[1] = t.args.gate[2] = nullptr;
    launch(t);
    const double expected[] = {1, (15 * 16 / 2.0 + (112 + 129) * 18 / 2.0) / 34, 1000 + (110 + 129) / 2.0};
    CHECK(std::abs(t.o[0] - expected[forced]) < 1e-3);
  }
}

TEST_CASE("pages in any order hold the same tokens", "[decode]") {
  CallerTensors t;
  std::vector<int> table;
  const std::vector<float> sel = t.v_sel, win = t.v_win;
  for (int page = 0; page < 9; ++page) {
    table.push_back((page * 5 + 3) % 9);
    for (int i = 0; i < 256; ++i) {
      t.v_sel[static_cast<std::size_t>(table.back() * 256 + i)] = sel[static_cast<std::size_t>(page * 256 + i)];
      t.v_win[static_cast<std::size_t>(table.back() * 256 + i)] = win[static_cast<std::size_t>(page * 256 + i)];
    }
  }
  CallerTensors contiguous;
  launch(contiguous);
  t.args.block_table = table.data(), t.args.table_b = 9;
  for (nsajit_decode_cache* cache : {&t.args.sel, &t.args.win}) cache->k_b = cache->v_b = 256;
  t.args.cmp.k_b = t.args.cmp.v_b = 16;
  launch(t);
  CHECK(t.o == contiguous.o);
  CHECK(t.blocks == contiguous.blocks);
}

TEST_CASE("the decode step compiles for every SM without spilling", "[decode]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Candidate> candidates;
  for (const char* arch : {"80", "89", "90a", "120"})
    for (const char* tuple : {kTuples[0], kTuples[2], kTuples[5], kTuples[6]}) {
      const Problem problem = parse_workload(tuple).problem;
      const Target target = cuda_profile(arch);
      candidates.push_back({problem, find_op(problem).default_config(problem, target), target});
    }
  CHECK(find_spilling(candidates, *compiler) == "");
}

TEST_CASE("clusters exist from SM 90 on, and one kernel on every SM", "[decode]") {
  const auto has = [](const char* variant, const char* arch) {
    const Problem problem = parse_workload(kTuples[0]).problem;
    const auto configs = find_op(problem).space(problem, cuda_profile(arch)).valid_configs();
    return std::ranges::any_of(configs, [&](const Config& config) { return config.variant == variant; });
  };
  CHECK(has("decode_cluster", "90a"));
  CHECK_FALSE(has("decode_cluster", "89"));
  CHECK(has("decode_single", "80"));
}

TEST_CASE("what CUDA has no decode kernel for is refused with a way out", "[decode]") {
  for (const char* tuple : {"decode,fp32,dk=64,group=4", "decode,bf16,dk=64,group=17"}) {
    const Problem problem = parse_problem(tuple);
    CHECK_THROWS_WITH(find_op(problem).default_config(problem, cuda_profile("90a")), Catch::Matchers::Contains("--device cpu"));
  }
}

TEST_CASE("every decode CUDA variant passes the gate on a spread of tuples", "[decode][gpu]") {
  const Environment environment = read_environment();
  const auto device = runtime::make_device("cuda", environment);
  const auto compiler = codegen::make_compiler(Backend::Cuda, environment);
  for (const char* tuple : kTuples) {
    const Workload workload = parse_workload(tuple);
    INFO(tuple);
    CHECK(find_gate_failures(find_op(workload.problem), workload, choose_candidates(workload.problem, device->target(), 8),
                             *compiler, *device) == "");
  }
}
