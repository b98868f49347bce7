// PoolingOp: joins rows and backends, and chooses the cases that a candidate has to get right.

#include "templates/pooling/pooling_op.h"

#include <algorithm>
#include <cstring>

#include "core/assert.h"
#include "templates/common/attention_inputs.h"
#include "templates/common/case_list.h"
#include "templates/common/compression.h"
#include "templates/common/host_tensors.h"
#include "templates/common/sequences.h"
#include "templates/common/streaming.h"
#include "templates/common/unread_fields.h"
#include "templates/pooling/pooling_backends.h"
#include "templates/pooling/pooling_rows.h"

namespace nsajit::templates {
namespace {}  // namespace

PoolingOp::PoolingOp() : BackendOp("pooling", Branch::Pooling, pooling::kCpuFunctions, pooling::kCudaFunctions) {}

Problem PoolingOp::canonical(const Problem& problem) const { return without_window(without_selection(problem)); }

std::vector<TensorSpec> PoolingOp::tensors(const Workload& workload) const { return pooling::make_tensors(workload); }

std::vector<std::byte> PoolingOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  NSAJIT_ASSERT(tensors.size() == pooling::make_tensors(workload).size(), "one address per tensor of tensors()");
  nsajit_pooling_args args = pooling::make_args(workload);
  args.k = tensors[pooling::kK];
  args.v = tensors[pooling::kV];
  args.k_cmp = tensors[pooling::kKCmp];
  args.v_cmp = tensors[pooling::kVCmp];
  args.workspace = workspace;
  if (has_packed_sequences(workload)) {
    args.cu_seqlens = static_cast<const int*>(tensors[pooling::kStarts]);
    args.cu_keys = static_cast<const int*>(tensors[pooling::kKeyStarts]);
  }
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> PoolingOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  const std::vector<TensorSpec> specs = pooling::make_tensors(workload);
  std::vector<HostTensor> inputs = make_attention_inputs({specs.data(), pooling::kKCmp}, recipe);
  if (!has_packed_sequences(workload)) return inputs;
  inputs.push_back(make_int_tensor(specs[pooling::kStarts], sequence_starts(workload)));
  inputs.push_back(make_int_tensor(specs[pooling::kKeyStarts], compressed_starts(workload)));
  return inputs;
}

// Lengths around the first tokens; then enough tokens for several blocks of a kernel, of which launches of a few rows make
// the last ones only.
std::vector<ParityCase> PoolingOp::parity_cases(const Workload& workload) const {
  const Problem& p = workload.problem;
  const auto sized = [&](std::int64_t S, std::int64_t S_kv) { return resize_workload(workload, S, S_kv, 1); };
  const std::int64_t one = p.l, far = p.l + 70 * std::int64_t{p.d};
  CaseList list;
  list.add("nothing is complete", sized(std::max<std::int64_t>(1, one - 1), std::max<std::int64_t>(1, one - 1)),
           InputKind::Random, 0);
  list.add("one token", sized(one, one), InputKind::Random, 0);
  list.add("two tokens", sized(one + p.d, one + p.d), InputKind::Random, 0);
  list.add("prime", sized(193 + one, 193 + one), InputKind::Random, 0);
  list.add("large values", sized(far + p.d / 2, far + p.d / 2), InputKind::LargeLogits, 0);
  list.add("decode that completes a token", sized(1, far), InputKind::Random, 0);
  list.add("decode that completes none", sized(1, far - 1), InputKind::Random, 0);
  list.add("decode of a few", sized(2 * p.d + 1, far + 5), InputKind::Random, 0);
  list.add("the workload", workload, InputKind::Random, 256);
  return list.cases();
}

Reference PoolingOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  const Workload& workload = parity_case.workload;
  return pooling::make_reference(workload, inputs, pooling::sample_tokens(workload, parity_case.sampled_rows));
}

Op::RowSlice PoolingOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "k_cmp" || tensor == "v_cmp", "pooling has two outputs");
  return pooling::slice_of_token(workload, row, tensor == "k_cmp" ? workload.problem.dk : workload.problem.dv);
}

std::vector<HostTensor> PoolingOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                 std::int64_t position) const {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  for (const auto tensor : {pooling::kK, pooling::kV})
    flip_keys_from(workload, changed[tensor], sequence_starts(workload), position + 1);
  return changed;
}

Op::Work PoolingOp::work(const Workload& w) const {
  const Problem& p = w.problem;
  double raw = 0, pooled = 0;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t tokens = pooling::count_tokens(w, b) - pooling::launch_tokens(w).first;
    if (tokens <= 0) continue;
    pooled += static_cast<double>(tokens);
    raw += static_cast<double>((tokens - 1) * p.d + p.l);
  }
  const double groups = static_cast<double>(w.G), size = p.dk + p.dv;
  return {.flops = groups * size * pooled * p.l,
          .bytes = groups * size * static_cast<double>(element_bytes(p.dtype)) * (raw + pooled)};
}

std::optional<Prediction> PoolingOp::predict(const Workload& workload, const Config&, const Target& target) const {
  if (target.backend != Backend::Cuda) return std::nullopt;
  return predict_streaming(work(workload).bytes, target);
}

}  // namespace nsajit::templates
