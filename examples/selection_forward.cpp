// Serves one selection forward: opens the cache that `nsajit tune` wrote, asks it for a tuple's kernel, by the overlap of
// our rows too, launches that on tensors of our own and checks one row against plain code. Runs on the first GPU, else on
// the CPU.
//
//   selection_forward [--device auto|cpu|cuda:N] [WORKLOAD]
//   selection_forward --device cpu "selection,dk=64,dv=64,group=6;B=1,S=512,S_kv=512,G=2,n=4"
//
// Exit status: 0 where the row is right, 1 where it is wrong, 2 where nothing could be run.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "codegen/compiler.h"
#include "core/env.h"
#include "nsajit/error.h"
#include "nsajit/selection_args.h"
#include "nsajit/selection_check.h"
#include "nsajit/selection_overlap.h"
#include "nsajit/workload.h"
#include "runtime/device.h"
#include "runtime/dispatcher.h"

namespace {

using nsajit::Workload;
using Bf16 = std::uint16_t;   // the upper half of a float

Bf16 to_bf16(float value) { return static_cast<Bf16>((std::bit_cast<std::uint32_t>(value) + 0x8000u) >> 16); }
float to_float(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }

// Q[B,S,G,h,dk] K[B,G,S_kv,dk] V[B,G,S_kv,dv] ranges[B,S,G,n,2], on the host.
struct Tensors {
  std::vector<Bf16> q, k, v, o;
  std::vector<float> lse;
  std::vector<int> ranges;
};

std::vector<Bf16> random_values(std::int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<Bf16> values(static_cast<std::size_t>(count));
  for (Bf16& value : values) value = to_bf16(normal(random));
  return values;
}

// Every row selects block 0 and the blocks just before it: what a model's selection often looks like. One range per block;
// the kernel never reads past the row's own position, so the last block may reach beyond it.
std::vector<int> local_ranges(const Workload& w) {
  std::vector<int> ranges;
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
    const std::int64_t position = w.S_kv - w.S + row / w.G % w.S;
    const std::int64_t own = position / w.problem.l_sel;
    for (int i = 0; i < w.n; ++i) {
      const std::int64_t block = i == 0 ? 0 : own - (w.n - 1 - i);
      const bool used = i == 0 || block > 0;
      ranges.push_back(static_cast<int>(used ? block * w.problem.l_sel : 0));
      ranges.push_back(static_cast<int>(used ? std::min((block + 1) * w.problem.l_sel, w.S_kv) : 0));   // empty = unused
    }
  }
  return ranges;
}

Tensors make_tensors(const Workload& w) {
  std::mt19937 random(1);
  const nsajit::Problem& p = w.problem;
  const std::int64_t heads = w.B * w.S * w.G * p.group;
  return {.q = random_values(heads * p.dk, random),
          .k = random_values(w.B * w.G * w.S_kv * p.dk, random),
          .v = random_values(w.B * w.G * w.S_kv * p.dv, random),
          .o = std::vector<Bf16>(static_cast<std::size_t>(heads * p.dv)),
          .lse = std::vector<float>(static_cast<std::size_t>(heads)),
          .ranges = local_ranges(w)};
}

// How much neighbouring rows select in common: the dispatcher chooses by it, beside the sizes. A program whose selections
// are on the GPU copies only these few rows back, and may keep the figure for later launches of the same layer.
int sample_overlap(const Workload& w, const std::vector<int>& ranges) {
  const std::vector<nsajit::RowPair> pairs = nsajit::pick_row_pairs(w);
  std::vector<int> entries;
  for (const nsajit::RowPair& pair : pairs)
    for (const std::int64_t row : {pair.before, pair.row})
      entries.insert(entries.end(), ranges.begin() + row * 2 * w.n, ranges.begin() + (row + 1) * 2 * w.n);
  return nsajit::estimate_overlap(w, pairs, entries);
}

// The launch's argument struct: addresses, and strides in elements.
nsajit_selection_args describe(const Workload& w) {
  const long long dk = w.problem.dk, dv = w.problem.dv, h = w.problem.group;
  nsajit_selection_args args{};
  args.q_h = dk, args.q_g = h * args.q_h, args.q_s = w.G * args.q_g, args.q_b = w.S * args.q_s;
  args.k_s = dk, args.k_g = w.S_kv * args.k_s, args.k_b = w.G * args.k_g;
  args.v_s = dv, args.v_g = w.S_kv * args.v_s, args.v_b = w.G * args.v_g;
  args.o_h = dv, args.o_g = h * args.o_h, args.o_s = w.G * args.o_g, args.o_b = w.S * args.o_s;
  args.lse_h = 1, args.lse_g = h, args.lse_s = w.G * args.lse_g, args.lse_b = w.S * args.lse_s;
  args.sel_g = 2LL * w.n, args.sel_s = w.G * args.sel_g, args.sel_b = w.S * args.sel_s;
  args.B = w.B, args.S = w.S, args.S_kv = w.S_kv, args.G = w.G;
  args.n = w.n;
  args.scale = 1 / std::sqrt(static_cast<float>(dk));
  return args;
}

// Attention of one head of one row, over its selected tokens, in double.
std::vector<double> plain_row(const Workload& w, const nsajit_selection_args& a, const Tensors& t, std::int64_t b, std::int64_t s,
                              std::int64_t g, std::int64_t head) {
  const Bf16* q = &t.q[b * a.q_b + s * a.q_s + g * a.q_g + head * a.q_h];
  const int* ranges = &t.ranges[b * a.sel_b + s * a.sel_s + g * a.sel_g];
  std::vector<double> sum(static_cast<std::size_t>(w.problem.dv));
  double weights = 0;
  for (int i = 0; i < w.n; ++i) {
    for (std::int64_t token = ranges[2 * i]; token < std::min<std::int64_t>(ranges[2 * i + 1], w.S_kv - w.S + s + 1); ++token) {
      const Bf16* k = &t.k[b * a.k_b + g * a.k_g + token * a.k_s];
      const Bf16* v = &t.v[b * a.v_b + g * a.v_g + token * a.v_s];
      double logit = 0;
      for (int j = 0; j < w.problem.dk; ++j) logit += to_float(q[j]) * to_float(k[j]);
      const double weight = std::exp(logit * a.scale);   // normal values: no need to subtract the largest
      weights += weight;
      for (int j = 0; j < w.problem.dv; ++j) sum[j] += weight * to_float(v[j]);
    }
  }
  for (double& value : sum) value /= weights;
  return sum;
}

template <typename T>
std::unique_ptr<nsajit::runtime::Buffer> upload(nsajit::runtime::Device& device, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  auto buffer = device.allocate(static_cast<std::int64_t>(bytes.size()));
  device.copy_in(*buffer, bytes);
  return buffer;
}

// Launches the kernel and fills t.o. Returns the best of a few timed launches, in microseconds.
double run(nsajit::runtime::Device& device, const nsajit::Problem& problem, const nsajit::runtime::BoundKernel& bound,
           nsajit_selection_args args, Tensors& t) {
  const auto q = upload(device, t.q), k = upload(device, t.k), v = upload(device, t.v);
  const auto o = upload(device, t.o), lse = upload(device, t.lse), ranges = upload(device, t.ranges);
  const auto workspace = device.allocate(bound.plan.workspace_bytes);
  args.q = q->address();
  args.k = k->address();
  args.v = v->address();
  args.o = o->address();
  args.lse = static_cast<float*>(lse->address());
  args.sel = static_cast<const int*>(ranges->address());
  args.workspace = bound.plan.workspace_bytes > 0 ? workspace->address() : nullptr;
  const auto bytes = std::as_bytes(std::span(&args, 1));

  // While a program is brought up: what is wrong with its arguments, by tensor, dimension and row.
  nsajit::check_selection_arguments(
      problem, args,
      {.backend = device.target().backend, .workspace_bytes = bound.plan.workspace_bytes, .sel = t.ranges});
  bound.kernel->launch(bound.plan, bytes, nullptr);   // all that a host program does per call
  device.synchronize();
  device.copy_out(std::as_writable_bytes(std::span(t.o)), *o);

  double best_us = device.time_us(*bound.kernel, bound.plan, bytes);
  for (int round = 0; round < 4; ++round) best_us = std::min(best_us, device.time_us(*bound.kernel, bound.plan, bytes));
  return best_us;
}

// The last row of the last batch and group: the one with the largest offsets. Largest difference over all its heads.
double check_last_row(const Workload& w, const nsajit_selection_args& a, const Tensors& t) {
  const std::int64_t b = w.B - 1, s = w.S - 1, g = w.G - 1;
  double worst = 0;
  for (std::int64_t head = 0; head < w.problem.group; ++head) {
    const std::vector<double> expected = plain_row(w, a, t, b, s, g, head);
    const Bf16* o = &t.o[b * a.o_b + s * a.o_s + g * a.o_g + head * a.o_h];
    for (std::size_t j = 0; j < expected.size(); ++j) {
      const double error = std::abs(to_float(o[j]) - expected[j]);
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  }
  return worst;
}

int serve(const std::string& device_name, Workload workload) {
  validate(workload);
  Tensors tensors = make_tensors(workload);
  workload.overlap_percent = sample_overlap(workload, tensors.ranges);

  const nsajit::Environment environment = nsajit::read_environment();
  const auto device = nsajit::runtime::make_device(device_name, environment);
  const auto compiler = nsajit::codegen::make_compiler(device->target().backend, environment);
  auto cache = nsajit::cache::Cache::open(nsajit::default_cache_path(environment), nsajit::cache::OpenMode::ReadOnly);
  nsajit::runtime::Dispatcher dispatcher(*device, *compiler, cache);
  const nsajit::runtime::BoundKernel bound = dispatcher.find(workload);

  const nsajit_selection_args args = describe(workload);
  const double time_us = run(*device, workload.problem, bound, args, tensors);
  const double error = check_last_row(workload, args, tensors);
  const bool right = error < 0.02;   // bf16 keeps 8 bits; outputs are averages of normal values, so below 1

  std::printf("device   %s\nworkload %s\ngrade    %s\nwhy      %s\nconfig   %s\ntime     %.1f us\nlast row %s, largest error %.1e\n",
              device->target().name.c_str(), to_string(workload).c_str(), std::string(to_string(bound.decision.grade)).c_str(),
              bound.decision.why.c_str(), to_string(bound.decision.config).c_str(), time_us, right ? "right" : "WRONG", error);
  return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string device = "auto";
  std::string workload = "selection,forward,bf16,dk=64,dv=64,group=6;B=1,S=512,S_kv=512,G=2,n=4";
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--device" && i + 1 < argc) device = argv[++i];
    else workload = argv[i];
  }
  try {
    const Workload parsed = nsajit::parse_workload(workload);
    const nsajit::Problem& p = parsed.problem;
    if (p.branch != nsajit::Branch::Selection || p.dtype != nsajit::DType::BF16 || p.layout != nsajit::Layout::Grouped ||
        p.input != nsajit::SelectionInput::Ranges)
      throw nsajit::Error(nsajit::ErrorCode::Unsupported, "this example makes bf16 tensors in grouped layout with ranges; other "
                                                          "workloads need other tensors");
    return serve(device, parsed);
  } catch (const nsajit::Error& error) {
    std::fprintf(stderr, "selection_forward: %s\n", error.what());
    return 2;
  }
}
