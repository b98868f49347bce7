// DenseOp: inputs, cases and counts by the ranges of dense_rows.h.

#include "templates/dense/dense_op.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/assert.h"
#include "templates/common/attention_inputs.h"
#include "templates/common/attention_reference.h"
#include "templates/common/case_list.h"
#include "templates/common/host_tensors.h"
#include "templates/common/sequences.h"
#include "templates/dense/dense_backends.h"
#include "templates/dense/dense_model.h"
#include "templates/dense/dense_rows.h"

namespace nsajit::templates::dense {
namespace {

constexpr std::int64_t kShortestRung = 32;

}  // namespace

DenseOp::DenseOp(std::string_view name, Branch branch) : BackendOp(name, branch, kCpuFunctions, kCudaFunctions) {}

std::vector<TensorSpec> DenseOp::tensors(const Workload& workload) const { return make_tensors(workload); }

std::vector<std::byte> DenseOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  NSAJIT_ASSERT(tensors.size() == make_tensors(workload).size(), "one address per tensor of tensors()");
  nsajit_dense_args args = make_args(workload);
  args.q = tensors[kQ];
  args.k = tensors[kK];
  args.v = tensors[kV];
  args.o = tensors[kO];
  args.lse = static_cast<float*>(tensors[kLse]);
  args.workspace = workspace;
  if (has_packed_sequences(workload)) {
    args.cu_seqlens = static_cast<const int*>(tensors[kStarts]);
    args.cu_keys = static_cast<const int*>(tensors[tensors.size() > kKeyStarts ? kKeyStarts : kStarts]);
  }
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> DenseOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  const std::vector<TensorSpec> specs = make_tensors(workload);
  std::vector<HostTensor> inputs = make_attention_inputs({specs.data(), kO}, recipe);
  if (specs.size() > kStarts) inputs.push_back(make_int_tensor(specs[kStarts], sequence_starts(workload)));
  if (specs.size() > kKeyStarts) inputs.push_back(make_int_tensor(specs[kKeyStarts], key_starts(workload)));
  return inputs;
}

// Short sequences make one key too many or too few weigh most; around the turning points a wrong edge shows; the last is
// the workload itself, where offsets are largest.
std::vector<ParityCase> DenseOp::parity_cases(const Workload& workload) const {
  const auto sized = [&](std::int64_t S, std::int64_t S_kv) { return resize_workload(workload, S, S_kv, 1); };
  const std::vector<std::int64_t> turns = turning_points(workload.problem);
  const std::int64_t far = turns.back() + 79;
  CaseList list;
  list.add("one row", sized(1, 1), InputKind::Random, 0);
  list.add("short", sized(17, 17), InputKind::Random, 0);
  for (const std::int64_t turn : turns)
    for (const std::int64_t length : {turn - 1, turn + 2})
      if (length > 1) list.add("around a turn", sized(std::min<std::int64_t>(length, 70), length), InputKind::Random, 40);
  list.add("prime", sized(193, 193), InputKind::Random, 96);
  list.add("large logits", sized(37, std::max<std::int64_t>(37, far)), InputKind::LargeLogits, 64);
  list.add("decode", sized(1, far), InputKind::Random, 0);
  list.add("decode of a few", sized(13, far + 5), InputKind::Random, 0);
  list.add("the workload", workload, InputKind::Random, 64);
  return list.cases();
}

Reference DenseOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  const Workload& w = parity_case.workload;
  const nsajit_dense_args args = make_args(w);
  const std::vector<std::int32_t> starts = key_starts(w);
  return make_attention_reference(w.problem, args.scale, sample_rows(w, parity_case.sampled_rows), [&](std::int64_t row) {
    const auto [b, s, g] = split_row(w, row);
    const KeyRange seen = visible_keys(w.problem, query_position(w, s), count_keys(w, b));
    std::vector<std::int64_t> keys(static_cast<std::size_t>(std::max<std::int64_t>(0, seen.end - seen.begin)));
    std::iota(keys.begin(), keys.end(), seen.begin);
    const std::int64_t first_key = has_packed_sequences(w) ? starts[static_cast<std::size_t>(b)] : 0;
    return gather_operands(w.problem, args, inputs, {.b = b, .g = g, .query = packed_start(w, b) + s, .first_key = first_key},
                           keys);
  });
}

Op::RowSlice DenseOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "o" || tensor == "lse", "dense attention has two outputs");
  return slice_of_row(workload, row, workload.problem.group * (tensor == "o" ? workload.problem.dv : std::int64_t{1}));
}

std::vector<HostTensor> DenseOp::change_future(const Workload& w, std::span<const HostTensor> inputs,
                                               std::int64_t position) const {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  flip_queries_after(w, changed[kQ], position);
  for (const Tensor tensor : {kK, kV}) flip_keys_from(w, changed[tensor], key_starts(w), count_keys(w.problem, position + 1));
  return changed;
}

std::vector<Workload> DenseOp::threshold_ladder(const Workload& workload) const {
  std::vector<Workload> ladder;
  for (std::int64_t length = kShortestRung; length < threshold_length(workload); length *= 2) {
    ladder.push_back(workload);
    ladder.back().S_kv = tokens_for(workload.problem, length);
    ladder.back().S = std::min(workload.S, ladder.back().S_kv);
    if (has_packed_sequences(workload)) ladder.back().S = ladder.back().S_kv;
  }
  ladder.push_back(workload);
  return ladder;
}

std::optional<Prediction> DenseOp::predict(const Workload& workload, const Config& config, const Target& target) const {
  return predict_dense(workload, config, target);
}

Op::Work DenseOp::work(const Workload& w) const {
  const Problem& p = w.problem;
  double seen = 0, rows = 0, keys = 0;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_length(w, b), in_sequence = count_keys(w, b);
    std::int64_t first_read = in_sequence;
    for (std::int64_t s = 0; s < length; ++s) {
      const KeyRange range = visible_keys(p, query_position(w, s), in_sequence);
      if (range.begin < range.end) first_read = std::min(first_read, range.begin);
      seen += static_cast<double>(std::max<std::int64_t>(0, range.end - range.begin));
    }
    rows += static_cast<double>(length);
    keys += static_cast<double>(in_sequence - first_read);
  }
  const auto groups = static_cast<double>(w.G);
  const double size = p.dk + p.dv, element = static_cast<double>(element_bytes(p.dtype));
  return {.flops = 2.0 * groups * seen * p.group * size, .bytes = groups * element * size * (rows * p.group + keys)};
}

}  // namespace nsajit::templates::dense
