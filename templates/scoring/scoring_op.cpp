// ScoringOp: joins inputs, reference and backends, and chooses the cases that a candidate has to get right.

#include "templates/scoring/scoring_op.h"

#include <algorithm>
#include <cstring>

#include "core/assert.h"
#include "templates/common/attention_layout.h"
#include "templates/common/case_list.h"
#include "templates/common/compression.h"
#include "templates/common/unread_fields.h"
#include "templates/scoring/scoring_backends.h"
#include "templates/scoring/scoring_inputs.h"
#include "templates/scoring/scoring_model.h"
#include "templates/scoring/scoring_reference.h"
#include "templates/scoring/scoring_rows.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kShortestRung = 64;

}  // namespace

ScoringOp::ScoringOp() : BackendOp("scoring", Branch::Scoring, scoring::kCpuFunctions, scoring::kCudaFunctions) {}

Problem ScoringOp::canonical(const Problem& problem) const {
  Problem read = without_window(problem);
  read.dv = Problem{}.dv;
  return read;
}

std::vector<TensorSpec> ScoringOp::tensors(const Workload& workload) const { return scoring::make_tensors(workload); }

std::vector<std::byte> ScoringOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  return case_arguments({.workload = workload, .recipe = {.kind = InputKind::GivenSums}}, tensors, workspace);
}

std::vector<std::byte> ScoringOp::case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                                 void* workspace) const {
  const Workload& workload = parity_case.workload;
  NSAJIT_ASSERT(tensors.size() == scoring::make_tensors(workload).size(), "one address per tensor of tensors()");
  nsajit_scoring_args args = scoring::make_args(workload);
  args.q = tensors[scoring::kQ];
  args.k = tensors[scoring::kK];
  args.sel = static_cast<int*>(tensors[scoring::kSel]);
  if (parity_case.recipe.kind == InputKind::GivenSums) args.lse = static_cast<const float*>(tensors[scoring::kLse]);
  args.workspace = workspace;
  if (has_packed_sequences(workload)) {
    args.cu_seqlens = static_cast<const int*>(tensors[scoring::kStarts]);
    args.cu_keys = static_cast<const int*>(tensors[scoring::kKeyStarts]);
  }
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> ScoringOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  return scoring::make_inputs(workload, recipe);
}

// Short sequences have fewer blocks than are asked for; ties, where the scores say nothing, show in long ones.
std::vector<ParityCase> ScoringOp::parity_cases(const Workload& workload) const {
  const Problem& p = workload.problem;
  const std::int64_t far = (2 * std::int64_t{p.n_sel} + 9) * p.l_sel + 3, block = p.l_sel;
  const auto sized = [&](std::int64_t S, std::int64_t S_kv) {
    Workload small = resize_workload(workload, S, S_kv, 1);
    small.n = p.n_sel;
    return small;
  };
  CaseList list;
  list.add("one row", sized(1, 1), InputKind::Random, 0);
  list.add("short", sized(17, 17), InputKind::Random, 0);
  list.add("the first blocks", sized(std::min<std::int64_t>(70, 3 * block + 1), 3 * block + 1), InputKind::Random, 0);
  list.add("prime", sized(193, 193), InputKind::Random, 96);
  list.add("ties", sized(block + 5, far), InputKind::Ties, 0);
  list.add("ties in short rows", sized(150, 150), InputKind::Ties, 0);
  list.add("sums given", sized(29, far), InputKind::GivenSums, 0);
  list.add("sums given, short", sized(2 * block + 1, 5 * block), InputKind::GivenSums, 0);
  list.add("large logits", sized(29, far), InputKind::LargeLogits, 0);
  list.add("decode", sized(1, far), InputKind::Random, 0);
  list.add("decode of a few", sized(13, far + 5), InputKind::Random, 0);
  list.add("the workload", workload, InputKind::Random, 64);
  return list.cases();
}

Reference ScoringOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  return scoring::make_reference(parity_case.workload, parity_case.recipe, inputs,
                                 sample_rows(parity_case.workload, parity_case.sampled_rows));
}

Op::RowSlice ScoringOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "sel", "scoring has one output");
  return slice_of_row(workload, row, workload.n * entry_ints(workload.problem));
}

std::vector<HostTensor> ScoringOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                 std::int64_t position) const {
  return scoring::change_future(workload, inputs, position);
}

std::string_view ScoringOp::threshold_name(const Problem&) const { return "NSA_SEL_RANGES_V2_MIN_S"; }

std::int64_t ScoringOp::threshold_length(const Workload& workload) const { return workload.S; }

std::vector<Workload> ScoringOp::threshold_ladder(const Workload& workload) const {
  std::vector<Workload> ladder;
  for (std::int64_t S = kShortestRung; S < workload.S; S *= 2) {
    ladder.push_back(workload);
    ladder.back().S = S;
    ladder.back().S_kv = workload.S_kv - workload.S + S;
  }
  ladder.push_back(workload);
  return ladder;
}

Op::Work ScoringOp::work(const Workload& w) const {
  const Problem& p = w.problem;
  double seen = 0, rows = 0, keys = 0;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_length(w, b);
    for (std::int64_t s = 0; s < length; ++s) seen += static_cast<double>(count_compressed(p, query_position(w, s) + 1));
    rows += static_cast<double>(length);
    keys += static_cast<double>(count_compressed(p, w.S_kv - w.S + length));
  }
  const double groups = static_cast<double>(w.G), element = static_cast<double>(element_bytes(p.dtype));
  return {.flops = 2.0 * groups * seen * p.group * p.dk,
          .bytes = groups * (element * p.dk * (rows * p.group + keys) + 4.0 * rows * w.n * entry_ints(p))};
}

std::optional<Prediction> ScoringOp::predict(const Workload& workload, const Config& config, const Target& target) const {
  return scoring::predict_scoring(workload, config, target);
}

}  // namespace nsajit::templates
