// Gate rows: layout, inputs and reference.

#include "templates/gate/gate_rows.h"

#include <algorithm>
#include <cmath>

#include "templates/common/attention_layout.h"
#include "templates/common/host_elements.h"
#include "templates/common/host_tensors.h"
#include "templates/common/sequences.h"

namespace nsajit::templates::gate {
namespace {

void fill_nan(HostTensor& tensor) { std::fill(tensor.data.begin(), tensor.data.end(), std::byte{0xff}); }

// Of one branch: every third value.
void fill_gate_nan(HostTensor& gates, int branch) {
  for (std::int64_t i = branch; i < gates.spec.elements(); i += kBranches)
    store_element(gates.data.data(), gates.spec.type, i, std::nanf(""));
}

}  // namespace

GateMode mode_of(const InputRecipe& recipe) {
  const int branch = static_cast<int>(recipe.seed % kBranches);
  if (recipe.kind == InputKind::OneBranch) return {.forced = branch};
  if (recipe.kind == InputKind::TwoBranches) return {.absent = branch};
  return {};
}

std::vector<TensorSpec> make_tensors(const Workload& w, GateStorage gates) {
  std::vector<TensorSpec> specs{make_query_spec(w, "o_cmp", w.problem.dv), make_query_spec(w, "o_sel", w.problem.dv),
                                make_query_spec(w, "o_win", w.problem.dv), make_query_spec(w, "gates", kBranches),
                                make_query_spec(w, "o", w.problem.dv)};
  if (gates == GateStorage::Fp32) specs[kGates].type = ElementType::FP32;
  specs[kO].output = true;
  if (has_packed_sequences(w)) specs.push_back(make_starts_spec(w, "cu_seqlens"));
  return specs;
}

nsajit_gate_args make_args(const Workload& w, GateStorage gates) {
  nsajit_gate_args args{};
  const long long h = w.problem.group, dv = w.problem.dv, sequence = has_packed_sequences(w) ? 0 : w.S;
  args.o_h = dv, args.o_g = h * dv, args.o_s = w.G * args.o_g, args.o_b = sequence * args.o_s;
  for (nsajit_gate_source& source : args.source) {
    source.o_h = args.o_h, source.o_g = args.o_g, source.o_s = args.o_s, source.o_b = args.o_b;
    source.gate_h = kBranches, source.gate_g = h * kBranches;
    source.gate_s = w.G * source.gate_g, source.gate_b = sequence * source.gate_s;
  }
  args.B = w.B, args.S = w.S, args.G = w.G;
  args.forced = -1;
  args.fp32_gates = gates == GateStorage::Fp32 ? 1 : 0;
  return args;
}

std::vector<HostTensor> make_inputs(const Workload& w, GateStorage gates, const InputRecipe& recipe) {
  const std::vector<TensorSpec> specs = make_tensors(w, gates);
  const GateMode mode = mode_of(recipe);
  std::vector<HostTensor> inputs;
  for (std::size_t i = kCmp; i < kO; ++i) {
    const float factor = i == kCmp && recipe.kind == InputKind::LargeLogits ? kLargeLogits : 1.0f;
    inputs.push_back(make_normal(specs[i], recipe, i, factor));
  }
  for (int branch = 0; branch < kBranches; ++branch) {
    if (!mode.reads(branch)) fill_nan(inputs[static_cast<std::size_t>(branch)]);
    if (!mode.reads(branch) || mode.forced >= 0) fill_gate_nan(inputs[kGates], branch);
  }
  if (has_packed_sequences(w)) inputs.push_back(make_int_tensor(specs[kStarts], sequence_starts(w)));
  return inputs;
}

Reference make_reference(const Workload& w, const InputRecipe& recipe, std::span<const HostTensor> inputs,
                         std::vector<std::int64_t> rows) {
  const GateMode mode = mode_of(recipe);
  const ElementType storage = storage_type(w.problem.dtype);
  const auto read = [&](std::size_t tensor, std::int64_t index) {
    return load_element(inputs[tensor].data.data(), inputs[tensor].spec.type, index);
  };
  const std::int64_t dv = w.problem.dv, count = w.problem.group * dv;
  Reference reference{.rows = std::move(rows)};
  const auto values = static_cast<std::size_t>(count) * reference.rows.size();
  reference.oracle = {std::vector<double>(values)};
  reference.same_dtype = {std::vector<double>(values)};
  for_each_piece(static_cast<std::int64_t>(reference.rows.size()), 1, [&](std::int64_t begin, std::int64_t) {
    const std::int64_t first = slice_of_row(w, reference.rows[static_cast<std::size_t>(begin)], count).begin;
    for (std::int64_t i = 0; i < count; ++i) {
      double exact = 0;
      float sum = 0;
      for (int branch = 0; branch < kBranches; ++branch) {
        if (!mode.reads(branch)) continue;
        const float gate = mode.forced >= 0 ? 1.0f : read(kGates, (first + i) / dv * kBranches + branch);
        const float value = read(static_cast<std::size_t>(branch), first + i);
        exact += double{gate} * double{value};
        sum += gate * value;
      }
      const auto at = static_cast<std::size_t>(begin * count + i);
      reference.oracle[0][at] = exact;
      reference.same_dtype[0][at] = round_element(storage, sum);
    }
  });
  return reference;
}

}  // namespace nsajit::templates::gate
