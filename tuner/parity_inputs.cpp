// Preparation of parity cases.

#include "tuner/parity_inputs.h"

#include <algorithm>
#include <set>

#include "core/assert.h"

namespace nsajit::tuner {
namespace {

// A look ahead shows at any size, and each position costs an upload and a launch per candidate.
constexpr std::int64_t kLargestFutureBytes = std::int64_t{64} << 20;

std::vector<HostTensor> in_launch_order(const std::vector<TensorSpec>& tensors, std::vector<HostTensor> inputs) {
  std::vector<HostTensor> ordered;
  for (const TensorSpec& spec : tensors) {
    if (spec.output) continue;
    const auto found =
        std::find_if(inputs.begin(), inputs.end(), [&](const HostTensor& input) { return input.spec.name == spec.name; });
    NSAJIT_ASSERT(found != inputs.end(), "an operation makes every input of its launch");
    NSAJIT_ASSERT(static_cast<std::int64_t>(found->data.size()) == spec.bytes(), "an input has the size of its tensor");
    ordered.push_back(std::move(*found));
  }
  return ordered;
}

// Near the start, in the middle (odd: inside a tile) and right before the end, where the causal edge of the
// last tile lies. The position of the last token has no future.
std::set<std::int64_t> future_positions(const Workload& workload) {
  std::set<std::int64_t> positions;
  for (const std::int64_t s : {workload.S / 5, workload.S / 2 | 1, workload.S - 2}) {
    const std::int64_t row = std::clamp<std::int64_t>(s, 0, workload.S - 1);
    const std::int64_t position = workload.S_kv - workload.S + row;
    if (position < workload.S_kv - 1) positions.insert(position);
  }
  return positions;
}

std::vector<OutputExpectation> make_expectations(const Op& op, const PreparedCase& prepared) {
  const Workload& workload = prepared.spec.workload;
  const Reference& reference = prepared.reference;
  std::vector<OutputExpectation> expectations;
  for (const TensorSpec& spec : prepared.tensors) {
    if (!spec.output) continue;
    const std::size_t index = expectations.size();
    NSAJIT_ASSERT(index < reference.oracle.size() && index < reference.same_dtype.size(), "a reference covers every output");
    OutputExpectation expected{.spec = spec, .workload = workload, .rows = reference.rows};
    std::int64_t values = 0;
    for (const std::int64_t row : reference.rows) {
      expected.slices.push_back(op.output_row(workload, spec.name, row));
      values += expected.slices.back().count;
    }
    expected.oracle = reference.oracle[index];
    expected.same_dtype = reference.same_dtype[index];
    if (!reference.intermediate_rounding.empty()) expected.intermediate_rounding = reference.intermediate_rounding.at(index);
    NSAJIT_ASSERT(static_cast<std::int64_t>(expected.oracle.size()) == values, "an oracle has the values of its rows");
    NSAJIT_ASSERT(expected.same_dtype.size() == expected.oracle.size(), "both references cover the same rows");
    // A recorded row may be empty, as a ragged one.
    if (spec.type == ElementType::INT32) expected.judge = reference.judge;
    expected.minus_infinity_possible = prepared.spec.recipe.kind == InputKind::Ragged || workload.selection != 0;
    expectations.push_back(std::move(expected));
  }
  return expectations;
}

}  // namespace

std::int64_t PreparedCase::input_bytes() const {
  std::int64_t bytes = 0;
  for (const HostTensor& input : inputs) bytes += static_cast<std::int64_t>(input.data.size());
  return bytes;
}

std::int64_t PreparedCase::device_bytes() const {
  std::int64_t bytes = input_bytes() * (1 + static_cast<std::int64_t>(futures.size()));
  for (const OutputExpectation& expected : expectations) bytes += expected.spec.bytes();
  return bytes;
}

std::unique_ptr<PreparedCase> prepare_case(const Op& op, const ParityCase& parity_case) {
  auto prepared = std::make_unique<PreparedCase>();
  prepared->spec = parity_case;
  prepared->tensors = op.tensors(parity_case.workload);
  const std::vector<HostTensor> made = op.make_inputs(parity_case.workload, parity_case.recipe);
  prepared->reference = op.reference(parity_case, made);
  NSAJIT_ASSERT(!prepared->reference.rows.empty(), "a parity case compares at least one row");
  prepared->inputs = in_launch_order(prepared->tensors, made);
  prepared->expectations = make_expectations(op, *prepared);
  if (prepared->input_bytes() > kLargestFutureBytes) return prepared;
  for (const std::int64_t position : future_positions(parity_case.workload))
    prepared->futures.push_back(
        {.position = position,
         .inputs = in_launch_order(prepared->tensors, op.change_future(parity_case.workload, made, position)),
         .resident = {}});
  return prepared;
}

Buffers upload_inputs(runtime::Device& device, std::span<const HostTensor> inputs) {
  Buffers buffers;
  for (const HostTensor& input : inputs) {
    buffers.push_back(std::make_unique<GuardedBuffer>(device, static_cast<std::int64_t>(input.data.size())));
    buffers.back()->upload(input.data);
  }
  return buffers;
}

}  // namespace nsajit::tuner
