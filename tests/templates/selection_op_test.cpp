// SelectionOp: what it serves, the cases it asks for, and whether they catch the mistakes that kernels make.

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "templates/selection/selection_layout.h"
#include "templates/selection/selection_op.h"
#include "templates/selection/selection_reference.h"
#include "tests/templates/fields_config.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::WithinRel;

namespace {

const SelectionOp kOp;

// What a wrong kernel computes is the oracle on wrongly changed operands.
enum class Mistake { DropsLastToken, LooksOneAhead, DropsLastEntry, WrongScale, SwapsHeads };

void change_ranges(const Workload& w, std::vector<HostTensor>& inputs, Mistake mistake) {
  auto* sel = reinterpret_cast<std::int32_t*>(inputs[kSel].data.data());
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
    std::int32_t* last = nullptr;
    for (int i = 0; i < w.n; ++i)
      if (sel[2 * (row * w.n + i) + 1] > sel[2 * (row * w.n + i)]) last = sel + 2 * (row * w.n + i);
    if (last && mistake == Mistake::DropsLastToken) --last[1];
    if (last && mistake == Mistake::DropsLastEntry) last[0] = last[1] = 0;
  }
}

// The expected values of each entry of the rows alone.
std::vector<Reference> compute_entries(const ParityCase& spec, const std::vector<HostTensor>& inputs) {
  const Workload& w = spec.workload;
  std::vector<Reference> entries;
  for (int only = 0; only < w.n; ++only) {
    std::vector<HostTensor> one = inputs;
    auto* sel = reinterpret_cast<std::int32_t*>(one[kSel].data.data());
    for (std::int64_t i = 0; i < w.B * w.S * w.G * w.n; ++i)
      if (i % w.n != only) sel[2 * i] = sel[2 * i + 1] = 0;
    entries.push_back(kOp.reference({.workload = w, .sampled_rows = spec.sampled_rows}, one));
  }
  return entries;
}

// Block by block, relative to a reference that follows the maximum when that is 2^8 above it: the sum is rescaled then, O is not.
Reference compute_without_rescaling(const ParityCase& spec, const std::vector<HostTensor>& inputs) {
  const std::vector<Reference> entries = compute_entries(spec, inputs);
  const auto dv = static_cast<std::size_t>(spec.workload.problem.dv);
  const double slack = std::log(256.0);
  Reference wrong = entries.front();
  for (std::size_t head = 0; head < wrong.oracle[1].size(); ++head) {
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    std::vector<double> o(dv);
    for (const Reference& entry : entries) {
      const double lse = entry.oracle[1][head];
      if (std::isinf(lse)) continue;
      if (lse - top > slack) {
        sum *= std::exp(top - lse);
        top = lse;
      }
      const double weight = std::exp(lse - top);
      sum += weight;
      for (std::size_t i = 0; i < dv; ++i) o[i] += weight * entry.oracle[0][head * dv + i];
    }
    for (std::size_t i = 0; i < dv; ++i) wrong.oracle[0][head * dv + i] = sum > 0 ? o[i] / sum : 0;
  }
  return wrong;
}

Reference compute_wrongly(const ParityCase& spec, std::vector<HostTensor> inputs, Mistake mistake) {
  Workload w = spec.workload;
  if (mistake == Mistake::WrongScale) {
    auto* q = reinterpret_cast<float*>(inputs[kQ].data.data());
    for (std::int64_t i = 0; i < inputs[kQ].spec.elements(); ++i) q[i] *= 1.1f;
  }
  if (mistake == Mistake::SwapsHeads) {
    auto* q = reinterpret_cast<float*>(inputs[kQ].data.data());
    const std::int64_t dk = w.problem.dk, pairs = inputs[kQ].spec.elements() / dk / 2;
    for (std::int64_t i = 0; i < pairs; ++i) std::swap_ranges(q + 2 * i * dk, q + (2 * i + 1) * dk, q + (2 * i + 1) * dk);
  }
  if (mistake != Mistake::LooksOneAhead) {
    change_ranges(w, inputs, mistake);
    return kOp.reference({.workload = w, .sampled_rows = spec.sampled_rows}, inputs);
  }
  // One position later, over ranges that end one token later.
  auto* sel = reinterpret_cast<std::int32_t*>(inputs[kSel].data.data());
  for (std::int64_t i = 0; i < w.B * w.S * w.G * w.n; ++i)
    if (sel[2 * i + 1] > sel[2 * i] && sel[2 * i + 1] < w.S_kv) ++sel[2 * i + 1];
  return kOp.reference({.workload = w, .sampled_rows = spec.sampled_rows}, inputs);
}

// Largest error of O, in units of what the gate allows for the kernel (2 x the same-dtype error + 1e-5).
double worst_excess(const Reference& expected, const Reference& got) {
  double error = 0, reference = 0;
  for (std::size_t i = 0; i < expected.oracle[0].size(); ++i) {
    error = std::max(error, std::abs(got.oracle[0][i] - expected.oracle[0][i]));
    reference = std::max(reference, std::abs(expected.same_dtype[0][i] - expected.oracle[0][i]));
  }
  return error / (2 * reference + 1e-5);
}

// How clearly the cases of a tuple show a mistake: the best case's excess.
double detection(Mistake mistake) {
  const Workload workload = parse_workload("bf16,group=4,dk=64,dv=64;B=1,S=300,S_kv=300,G=1,n=4");
  double best = 0;
  for (ParityCase spec : kOp.parity_cases(workload)) {
    const auto rounded = kOp.make_inputs(spec.workload, spec.recipe);
    const Reference expected = kOp.reference(spec, rounded);
    spec.workload.problem.dtype = DType::FP32;  // operands that can be changed exactly
    const auto inputs = kOp.make_inputs(spec.workload, spec.recipe);
    Reference truth = kOp.reference(spec, inputs);
    truth.same_dtype = expected.same_dtype;
    double allowance = 0;
    for (std::size_t i = 0; i < expected.oracle[0].size(); ++i)
      allowance = std::max(allowance, std::abs(expected.same_dtype[0][i] - expected.oracle[0][i]));
    truth.same_dtype[0].assign(truth.oracle[0].size(), 0);
    for (std::size_t i = 0; i < truth.oracle[0].size(); ++i) truth.same_dtype[0][i] = truth.oracle[0][i] + allowance;
    best = std::max(best, worst_excess(truth, compute_wrongly(spec, inputs, mistake)));
  }
  return best;
}

}  // namespace

TEST_CASE("each classical mistake is several times outside the tolerance of some case") {
  for (const Mistake mistake :
       {Mistake::DropsLastToken, Mistake::LooksOneAhead, Mistake::DropsLastEntry, Mistake::WrongScale, Mistake::SwapsHeads}) {
    INFO("mistake " << static_cast<int>(mistake));
    CHECK(detection(mistake) > 3);
  }
}

TEST_CASE("a softmax that forgets to rescale what it has summed is wrong in most rows of some case") {
  const Workload workload = parse_workload("fp32,group=4,dk=64,dv=64,n_sel=6;B=1,S=200,S_kv=512,G=2,n=6");
  double most = 0;
  for (const ParityCase& spec : kOp.parity_cases(workload)) {
    const auto inputs = kOp.make_inputs(spec.workload, spec.recipe);
    const Reference right = kOp.reference(spec, inputs), wrong = compute_without_rescaling(spec, inputs);
    double off = 0;
    for (std::size_t i = 0; i < right.oracle[0].size(); ++i) off += std::abs(wrong.oracle[0][i] - right.oracle[0][i]) > 0.1;
    most = std::max(most, off / static_cast<double>(right.oracle[0].size()));
  }
  CHECK(most > 0.5);
}

TEST_CASE("parity cases are valid workloads with distinct seeds and names, and end with the workload itself") {
  for (const char* text :
       {"group=16;B=1,S=1024,S_kv=1024,G=1,n=16", "l_sel=128,n_sel=8,group=4,blocks,flash;B=1,S=1,S_kv=1024,G=2,n=8",
        "group=1,l_sel=16,n_sel=1;B=1,S=1,S_kv=1,G=1,n=1"}) {
    const Workload workload = parse_workload(text);
    const auto cases = kOp.parity_cases(workload);
    std::set<std::string> names;
    std::set<std::uint64_t> seeds;
    for (const ParityCase& spec : cases) {
      CHECK_NOTHROW(validate(spec.workload));
      CHECK(spec.workload.problem == workload.problem);
      names.insert(spec.name);
      seeds.insert(spec.recipe.seed);
    }
    CHECK(names.size() == cases.size());
    CHECK(seeds.size() >= 3);
    CHECK(cases.back().workload == workload);
  }
}

TEST_CASE("tensors come in the order of the arguments") {
  const Workload w = parse_workload("group=2,dk=32,dv=48,blocks;B=2,S=8,S_kv=1100,G=3,n=5");
  std::vector<char> memory(kSequences);
  std::vector<void*> addresses;
  for (char& byte : memory) addresses.push_back(&byte);
  const auto bytes = kOp.arguments(w, addresses, &memory);
  nsajit_selection_args args;
  REQUIRE(bytes.size() == sizeof(args));
  std::memcpy(&args, bytes.data(), sizeof(args));
  CHECK(args.q == addresses[0]);
  CHECK(args.sel == addresses[3]);
  CHECK(args.lse == addresses[5]);
  CHECK(args.workspace == &memory);
  CHECK(args.sel_g == 5);
  CHECK(args.n == 5);
  CHECK_THAT(args.scale, WithinRel(1 / std::sqrt(32.0), 1e-6));
  CHECK(kOp.tensors(w)[4].name == "o");
}

TEST_CASE("output rows tile the outputs") {
  const Workload w = parse_workload("group=2,dk=32,dv=48;B=2,S=8,S_kv=1100,G=3");
  CHECK(kOp.output_row(w, "o", 47).begin + kOp.output_row(w, "o", 47).count == kOp.tensors(w)[4].elements());
  CHECK(kOp.output_row(w, "lse", 47).begin + kOp.output_row(w, "lse", 47).count == kOp.tensors(w)[5].elements());
}

TEST_CASE("the ladder doubles the blocks up to all that exist") {
  const auto ladder = kOp.threshold_ladder(parse_workload("n_sel=12;B=1,S=1024,S_kv=1024,G=1,n=12"));
  std::vector<std::int64_t> lengths;
  for (const Workload& rung : ladder) lengths.push_back(kOp.threshold_length(rung));
  CHECK(lengths == std::vector<std::int64_t>{64, 128, 256, 512, 768});
  CHECK(kOp.threshold_ladder(parse_workload("n_sel=16;B=1,S=100,S_kv=100,G=1,n=2")).back().n == 2);
}

TEST_CASE("the work of a short sequence counts exactly the causal tokens") {
  const auto work = kOp.work(parse_workload("group=2,dk=32,dv=64,bf16;B=3,S=10,S_kv=10,G=2,n=1"));
  CHECK_THAT(work.flops, WithinRel(2.0 * 3 * 2 * 55 * 2 * (32 + 64), 1e-12));
  CHECK_THAT(work.bytes, WithinRel(2.0 * 96 * (3 * 2 * 10 * 2 + 3 * 2 * 10) + 4.0 * 3 * 10 * 2 * 2, 1e-12));
}

TEST_CASE("an invalid tuple and a pass that is not built are refused") {
  CHECK_THROWS_AS(kOp.default_config(Problem{.dk = 7}, templates_test::cpu_target(16)), Error);
  CHECK_FALSE(kOp.supports(Problem{.pass = Pass::Backward}));
  const Target cpu = templates_test::cpu_target(16);
  const Workload uneven = parse_workload("fp32,group=2,dk=32,dv=32,n_sel=2,varlen;B=2,S=8,S_kv=200,G=1,n=2");
  CHECK_THROWS_AS(kOp.plan(uneven, kOp.default_config(uneven.problem, cpu), cpu), Error);
}
