// DecodeOp: joins rows, reference and backends, and chooses the cases that a candidate has to get right.

#include "templates/decode/decode_op.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/assert.h"
#include "nsajit/error.h"
#include "templates/common/case_list.h"
#include "templates/common/compression.h"
#include "templates/common/sequences.h"
#include "templates/decode/decode_backends.h"
#include "templates/decode/decode_inputs.h"
#include "templates/decode/decode_model.h"
#include "templates/decode/decode_reference.h"
#include "templates/decode/decode_rows.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kCaseBytes = std::int64_t{1} << 30;

// The workload with as many sequences as fit a gigabyte of caches: what a row does, does not depend on the others.
Workload fewer_sequences(Workload w) {
  const auto bytes = [&] {
    std::int64_t sum = 0;
    for (const TensorSpec& spec : decode::make_tensors(w)) sum += spec.bytes();
    return sum;
  };
  while (w.B > 1 && bytes() > kCaseBytes) w.B = (w.B + 1) / 2;
  return w;
}

void require_step(const Workload& workload) {
  if (workload.S != 1)
    throw Error(ErrorCode::InvalidArgument, fmt::format("launch decode for {}: a step has one new position per sequence, S=1; "
                                                        "launch the branches one by one for more",
                                                        to_string(workload)));
  if (has_packed_sequences(workload))
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch decode for {}: sequences are not packed; give lengths, with layout grouped or flash",
                            to_string(workload)));
}

}  // namespace

DecodeOp::DecodeOp() : BackendOp("decode", Branch::Decode, decode::kCpuFunctions, decode::kCudaFunctions) {}

bool DecodeOp::serves(const Problem& problem, const Target& target) const {
  return target.backend != Backend::Cuda || decode::find_obstacle(problem, target).empty();
}

std::optional<Config> DecodeOp::untuned_config(const Workload& workload, const Target& target) const {
  if (target.backend != Backend::Cuda) return std::nullopt;
  return decode::choose_config(workload, target);
}

LaunchPlan DecodeOp::plan(const Workload& workload, const Config& config, const Target& target) const {
  require_step(workload);
  return BackendOp::plan(workload, config, target);
}

std::vector<TensorSpec> DecodeOp::tensors(const Workload& workload) const {
  require_step(workload);
  return decode::make_tensors(workload);
}

std::vector<std::byte> DecodeOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  return case_arguments({.workload = workload}, tensors, workspace);
}

std::vector<std::byte> DecodeOp::case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                                void* workspace) const {
  using namespace decode;
  const Workload& workload = parity_case.workload;
  const std::vector<TensorSpec> specs = make_tensors(workload);
  NSAJIT_ASSERT(tensors.size() == specs.size(), "one address per tensor of tensors()");
  const DecodeMode mode = mode_of(parity_case.recipe);
  nsajit_decode_args args = make_args(workload, mode);
  args.q = tensors[kQ];
  args.cmp.k = tensors[kKCmp], args.cmp.v = tensors[kVCmp];
  args.sel.k = tensors[kKSel], args.sel.v = tensors[kVSel];
  const bool own = has_own_window(workload);
  args.win.k = tensors[own ? kKWin : kKSel], args.win.v = tensors[own ? kVWin : kVSel];
  for (std::size_t branch = 0; branch < 3; ++branch)
    args.gate[branch] = static_cast<const std::byte*>(tensors[kGates]) + branch * element_bytes(specs[kGates].type);
  args.o = tensors[kO];
  args.blocks = static_cast<int*>(tensors[kBlocks]);
  args.workspace = workspace;
  if (mode.ragged) args.lengths = static_cast<const int*>(tensors[kLengths]);
  if (mode.paged) args.block_table = static_cast<const int*>(tensors[kTable]);
  std::vector<std::byte> bytes(sizeof(args));
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> DecodeOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  return decode::make_inputs(workload, recipe);
}

// Large logits go with few blocks: their scores underflow beyond the first, and any choice of the others would be right.
std::vector<ParityCase> DecodeOp::parity_cases(const Workload& workload) const {
  const Problem& p = workload.problem;
  const std::int64_t block = p.l_sel, far = (2 * std::int64_t{p.n_sel} + 9) * block + 3;
  const auto sized = [&](std::int64_t S_kv) {
    Workload small = resize_workload(workload, 1, S_kv, 1);
    small.n = p.n_sel;
    return small;
  };
  Workload ragged = sized(far);
  ragged.B = 9;
  CaseList list;
  list.add("one token", sized(1), InputKind::Random, 0);
  list.add("short", sized(17), InputKind::Random, 0);
  list.add("the first compressed token", sized(p.l), InputKind::Random, 0);
  list.add("the first blocks", sized(3 * block + 1), InputKind::Random, 0);
  list.add("the window's edge", sized(p.w + 2), InputKind::Random, 0);
  list.add("large logits", sized(std::max<std::int64_t>(p.n_sel, 3) * block), InputKind::LargeLogits, 0);
  list.add("long", sized(far), InputKind::Random, 0);
  list.add("ties", sized(far), InputKind::Ties, 0);
  list.add("ties among many blocks", sized(137 * block + 5), InputKind::Ties, 0);  // more than are compared all with all
  list.add("ties on a block's edge", sized(far - 3), InputKind::Ties, 0);
  list.add("ragged in pages", ragged, InputKind::Ragged, 0);
  list.add("ragged", ragged, InputKind::Ragged, 0);
  list.add(
      "ragged in pages, again", [&] { return ragged.S_kv = far + block / 2, ragged; }(), InputKind::Ragged, 0);
  list.add("the workload", fewer_sequences(workload), InputKind::Random, 64);
  return list.cases();
}

Reference DecodeOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  return decode::make_reference(parity_case, inputs, sample_rows(parity_case.workload, parity_case.sampled_rows));
}

Op::RowSlice DecodeOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  NSAJIT_ASSERT(tensor == "o" || tensor == "blocks", "a decode step has two outputs");
  const std::int64_t values = std::int64_t{workload.problem.group} * workload.problem.dv;
  return slice_of_row(workload, row, tensor == "o" ? values : workload.n);
}

std::vector<HostTensor> DecodeOp::change_future(const Workload&, std::span<const HostTensor> inputs, std::int64_t) const {
  return {inputs.begin(), inputs.end()};
}

Op::Work DecodeOp::work(const Workload& w) const {
  const Problem& p = w.problem;
  const double rows = static_cast<double>(w.B * w.G), tokens = static_cast<double>(actual_decode_reads(p, w.S_kv, w.n).total());
  const double size = p.dk + p.dv, element = static_cast<double>(element_bytes(p.dtype));
  return {.flops = 2.0 * rows * tokens * p.group * size,
          .bytes = rows * element * (tokens * size + p.group * (size + 3)) + 4.0 * rows * w.n};
}

std::optional<Prediction> DecodeOp::predict(const Workload& workload, const Config& config, const Target& target) const {
  return decode::predict_step(workload, config, target);
}

DecodeReads expected_decode_reads(const Problem& p, std::int64_t length, int n) {
  return {.compressed = count_compressed(p, length),
          .selected = std::int64_t{n} * p.l_sel,
          .window = std::min<std::int64_t>(p.w, length)};
}

DecodeReads actual_decode_reads(const Problem& p, std::int64_t length, int n) {
  if (length == 0) return {};
  DecodeReads reads = expected_decode_reads(p, length, n);
  const std::int64_t blocks = (length + p.l_sel - 1) / p.l_sel, last = length - (blocks - 1) * p.l_sel;
  reads.selected = (std::min<std::int64_t>(n, blocks) - 1) * p.l_sel + (n == 1 && blocks > 1 ? p.l_sel : last);
  return reads;
}

}  // namespace nsajit::templates
