// GateOp: joins rows and backends, and chooses the cases that a candidate has to get right.

#include "templates/gate/gate_op.h"

#include <cstring>

#include "core/assert.h"
#include "templates/common/attention_inputs.h"
#include "templates/common/case_list.h"
#include "templates/common/sequences.h"
#include "templates/common/streaming.h"
#include "templates/common/unread_fields.h"
#include "templates/gate/gate_backends.h"

namespace nsajit::templates {
namespace {}  // namespace

GateOp::GateOp(gate::GateStorage gates)
    : BackendOp("gate", Branch::Gate, gate::kCpuFunctions, gate::kCudaFunctions), gates_(gates) {}

Problem GateOp::canonical(const Problem& problem) const {
  Problem read = without_window(without_blocks(problem));
  read.dk = Problem{}.dk;
  return read;
}

std::vector<TensorSpec> GateOp::tensors(const Workload& workload) const { return gate::make_tensors(workload, gates_); }

std::vector<std::byte> GateOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  return case_arguments({.workload = workload}, tensors, workspace);
}

std::vector<std::byte> GateOp::case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                              void* workspace) const {
  const Workload& workload = parity_case.workload;
  const std::vector<TensorSpec> specs = gate::make_tensors(workload, gates_);
  NSAJIT_ASSERT(tensors.size() == specs.size(), "one address per tensor of tensors()");
  const gate::GateMode mode = gate::mode_of(parity_case.recipe);
  nsajit_gate_args args = gate::make_args(workload, gates_);
  for (std::size_t branch = 0; branch < gate::kBranches; ++branch) {
    args.source[branch].gate =
        static_cast<const std::byte*>(tensors[gate::kGates]) + branch * element_bytes(specs[gate::kGates].type);
    if (static_cast<int>(branch) != mode.absent) args.source[branch].o = tensors[branch];
  }
  args.o = tensors[gate::kO];
  args.workspace = workspace;
  args.forced = mode.forced;
  if (has_packed_sequences(workload)) args.cu_seqlens = static_cast<const int*>(tensors[gate::kStarts]);
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> GateOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  return gate::make_inputs(workload, gates_, recipe);
}

// Three in a row of each kind: the seed says which branch is forced, or absent.
std::vector<ParityCase> GateOp::parity_cases(const Workload& workload) const {
  const auto sized = [&](std::int64_t S) { return resize_workload(workload, S, S, 1); };
  CaseList list;
  list.add("one row", sized(1), InputKind::Random, 0);
  list.add("short", sized(17), InputKind::Random, 0);
  for (int branch = 0; branch < gate::kBranches; ++branch) list.add("one branch is forced", sized(13), InputKind::OneBranch, 0);
  for (int branch = 0; branch < gate::kBranches; ++branch) list.add("one branch is absent", sized(13), InputKind::TwoBranches, 0);
  list.add("prime", sized(193), InputKind::Random, 96);
  list.add("large values", sized(29), InputKind::LargeLogits, 0);
  list.add("the workload", workload, InputKind::Random, 64);
  return list.cases();
}

Reference GateOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  const Workload& workload = parity_case.workload;
  return gate::make_reference(workload, parity_case.recipe, inputs, sample_rows(workload, parity_case.sampled_rows));
}

Op::RowSlice GateOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "o", "the gate has one output");
  return slice_of_row(workload, row, std::int64_t{workload.problem.group} * workload.problem.dv);
}

std::vector<HostTensor> GateOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                              std::int64_t position) const {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  for (std::size_t i = gate::kCmp; i < gate::kO; ++i) flip_queries_after(workload, changed[i], position);
  return changed;
}

Op::Work GateOp::work(const Workload& w) const {
  const double rows = static_cast<double>(rows_before(w, w.B) * w.G * w.problem.group);
  const double row_bytes = static_cast<double>(element_bytes(w.problem.dtype)) * w.problem.dv;
  const double gate_bytes = static_cast<double>(element_bytes(gate::make_tensors(w, gates_)[gate::kGates].type));
  return {.flops = rows * w.problem.dv * (2 * gate::kBranches - 1),
          .bytes = rows * (4 * row_bytes + gate::kBranches * gate_bytes)};
}

std::optional<Prediction> GateOp::predict(const Workload& workload, const Config&, const Target& target) const {
  if (target.backend != Backend::Cuda) return std::nullopt;
  return predict_streaming(work(workload).bytes, target);
}

}  // namespace nsajit::templates
