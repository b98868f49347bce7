// SelectionOp: delegates to the backend of the target, and chooses the cases that a candidate has to get right.

#include "templates/selection/selection_op.h"

#include <algorithm>
#include <cstring>

#include "core/assert.h"
#include "templates/common/case_list.h"
#include "templates/common/unread_fields.h"
#include "templates/selection/cuda_model.h"
#include "templates/selection/selection_backends.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"
#include "templates/selection/selection_recording.h"
#include "templates/selection/selection_reference.h"

namespace nsajit::templates {
namespace {

std::int64_t block_count(const Problem& problem, std::int64_t S_kv) { return (S_kv + problem.l_sel - 1) / problem.l_sel; }

// Tokens that a random row at `position` attends to: n whole blocks, the last of them up to the position.
double expected_tokens(const Workload& w, std::int64_t position) {
  const std::int64_t l_sel = w.problem.l_sel, visible = position / l_sel + 1;
  if (w.n == 1) return static_cast<double>(std::min(l_sel, position + 1));  // block 0 alone
  return static_cast<double>(visible <= w.n ? position + 1 : (w.n - 1) * l_sel + position % l_sel + 1);
}

// The work of rows that attend to `tokens` in all.
Op::Work work_on(const Workload& w, double tokens) {
  const Problem& p = w.problem;
  const double size = p.dk + p.dv, element = static_cast<double>(element_bytes(p.dtype));
  double rows = 0, keys = 0;  // of all groups
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_length(w, b);
    rows += static_cast<double>(w.G * length);
    keys += static_cast<double>(w.G * (w.S_kv - w.S + length));
  }
  return {.flops = 2.0 * tokens * p.group * size,
          .bytes = element * size * (rows * p.group + keys) + 4.0 * rows * w.n * entry_ints(p)};
}

}  // namespace

SelectionOp::SelectionOp() : BackendOp("selection", Branch::Selection, selection::kCpuFunctions, selection::kCudaFunctions) {}

Problem SelectionOp::canonical(const Problem& problem) const { return without_window(without_compression(problem)); }

std::vector<TensorSpec> SelectionOp::tensors(const Workload& workload) const { return make_selection_tensors(workload); }

std::vector<std::byte> SelectionOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  const std::size_t count = has_packed_sequences(workload) ? kSequences + 1 : kSequences;
  NSAJIT_ASSERT(tensors.size() == count, "one address per tensor of tensors()");
  nsajit_selection_args args = make_selection_args(workload);
  args.q = tensors[kQ];
  args.k = tensors[kK];
  args.v = tensors[kV];
  args.sel = static_cast<const int*>(tensors[kSel]);
  args.o = tensors[kO];
  args.lse = static_cast<float*>(tensors[kLse]);
  args.workspace = workspace;
  if (has_packed_sequences(workload)) args.cu_seqlens = static_cast<const int*>(tensors[kSequences]);
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> SelectionOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  return make_selection_inputs(workload, recipe);
}

// Short rows make one missing or extra token weigh 1/17; the long ones take all n_sel entries; the last is the
// workload itself, where offsets are largest.
std::vector<ParityCase> SelectionOp::parity_cases(const Workload& workload) const {
  const Problem& p = workload.problem;
  const std::int64_t all = static_cast<std::int64_t>(p.n_sel + 4) * p.l_sel + 3;
  const int n = p.n_sel;
  CaseList list;
  list.add("one row", resize_workload(workload, 1, 1, n), InputKind::Random, 0);
  list.add("short", resize_workload(workload, 17, 17, n), InputKind::Random, 0);
  list.add("two blocks and one", resize_workload(workload, 2 * p.l_sel + 1, 2 * p.l_sel + 1, n), InputKind::Random, 96);
  list.add("prime", resize_workload(workload, 193, 193, n), InputKind::Random, 96);
  list.add("ragged", resize_workload(workload, 193, 193, n), InputKind::Ragged, 0);
  list.add("large logits", resize_workload(workload, 67, 67, n), InputKind::LargeLogits, 64);
  list.add("large logits over blocks", resize_workload(workload, 37, all, n), InputKind::LargeLogits, 64);
  list.add("decode", resize_workload(workload, 1, all, n), InputKind::Random, 0);
  list.add("few blocks", resize_workload(workload, 5, all, (n + 1) / 2), InputKind::Random, 0);
  list.add("ragged decode", resize_workload(workload, 13, all, n), InputKind::Ragged, 0);
  list.add("the workload", workload, InputKind::Random, 64);
  return list.cases();
}

Reference SelectionOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  return make_selection_reference(parity_case.workload, inputs, sample_rows(parity_case.workload, parity_case.sampled_rows));
}

Op::RowSlice SelectionOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "o" || tensor == "lse", "selection has two outputs");
  const std::int64_t count = workload.problem.group * (tensor == "o" ? workload.problem.dv : std::int64_t{1});
  return slice_of_row(workload, row, count);
}

std::vector<HostTensor> SelectionOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                   std::int64_t position) const {
  return change_selection_future(workload, inputs, position);
}

std::string_view SelectionOp::threshold_name(const Problem&) const { return "NSA_SEL_TRITON_MIN_L"; }

std::int64_t SelectionOp::threshold_length(const Workload& workload) const {
  return static_cast<std::int64_t>(workload.n) * workload.problem.l_sel;
}

std::vector<Workload> SelectionOp::threshold_ladder(const Workload& workload) const {
  // A recorded selection is cut to its first entries; one that is generated may have as many as there are blocks.
  const auto most =
      workload.selection != 0
          ? workload.n
          : static_cast<int>(std::min<std::int64_t>(workload.problem.n_sel, block_count(workload.problem, workload.S_kv)));
  std::vector<Workload> ladder;
  const auto add = [&](int n) {
    ladder.push_back(workload);
    ladder.back().n = n;
  };
  for (int n = 1; n < most; n *= 2) add(n);
  add(most);
  return ladder;
}

Op::Work SelectionOp::work(const Workload& w) const {
  std::vector<double> tokens_before{0};  // of the rows of one group
  for (std::int64_t s = 0; s < w.S; ++s) tokens_before.push_back(tokens_before.back() + expected_tokens(w, query_position(w, s)));
  double tokens = 0;  // of all groups
  for (std::int64_t b = 0; b < w.B; ++b)
    tokens += static_cast<double>(w.G) * tokens_before[static_cast<std::size_t>(sequence_length(w, b))];
  return work_on(w, tokens);
}

Op::Work SelectionOp::recorded_work(const Workload& w, const Recordings& recordings) const {
  return w.selection == 0 ? work(w) : work_on(w, count_recorded_tokens(w, recordings.get(w.selection)));
}

std::optional<Prediction> SelectionOp::predict(const Workload& workload, const Config& config, const Target& target) const {
  check_problem(workload.problem);
  if (target.backend != Backend::Cuda) return std::nullopt;
  return predict_cuda(workload, config, target);
}

}  // namespace nsajit::templates
