// Million choices: batches of rows, so that the reference's scores of one fit in memory.

#include "tests/templates/million_choices.h"

#include <memory>
#include <span>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "codegen/kernel_source.h"
#include "nsajit/op.h"

namespace nsajit::templates_test {
namespace {

constexpr const char* kBatch = "scoring,bf16,dk=64,group=2,l=16,d=16,l_sel=16,n_sel=8;B=32,S=1024,G=4";
constexpr int kBatches = 8;
constexpr InputKind kKinds[] = {InputKind::Random, InputKind::Ties, InputKind::GivenSums, InputKind::Ties};

std::vector<std::int32_t> choose(const ParityCase& batch, const Config& config, std::span<const HostTensor> inputs,
                                 codegen::Compiler& compiler, runtime::Device& device) {
  const Workload& w = batch.workload;
  const Op& op = find_op(w.problem);
  const auto compiled = compiler.compile(codegen::specialize(op, w.problem, config, device.target()), device.target());
  const auto kernel = device.load(std::get<codegen::Binary>(compiled));
  std::vector<std::unique_ptr<runtime::Buffer>> buffers;
  std::vector<void*> addresses;
  std::size_t input = 0;
  for (const TensorSpec& spec : op.tensors(w)) {
    buffers.push_back(device.allocate(spec.bytes()));
    addresses.push_back(buffers.back()->address());
    if (spec.output)
      device.fill(*buffers.back(), std::byte{0x5a});
    else
      device.copy_in(*buffers.back(), inputs[input++].data);
  }
  kernel->launch(op.plan(w, config, device.target()), op.case_arguments(batch, addresses, nullptr), nullptr);
  device.synchronize();
  std::vector<std::int32_t> sel(static_cast<std::size_t>(op.tensors(w)[2].elements()));
  device.copy_out(std::as_writable_bytes(std::span(sel)), *buffers[2]);
  return sel;
}

// The first row that the reference objects to; empty: none.
std::string find_wrong_row(const Workload& w, const Reference& reference, const std::vector<std::int32_t>& sel) {
  const std::size_t entries = sel.size() / reference.rows.size();
  for (std::size_t row = 0; row < reference.rows.size(); ++row) {
    const std::vector<double> values(sel.begin() + static_cast<std::ptrdiff_t>(row * entries),
                                     sel.begin() + static_cast<std::ptrdiff_t>((row + 1) * entries));
    if (const std::string reason = reference.judge(row, values); !reason.empty())
      return fmt::format("{}, row {}: {}", to_string(w), row, reason);
  }
  return {};
}

}  // namespace

MillionChoices count_million_choices(codegen::Compiler& compiler, runtime::Device& device) {
  const Workload w = parse_workload(kBatch);
  const Op& op = find_op(w.problem);
  MillionChoices choices;
  for (int batch = 0; batch < kBatches && choices.wrong.empty(); ++batch) {
    const ParityCase all{.name = "a batch",
                         .workload = w,
                         .recipe = {.kind = kKinds[batch % 4], .seed = 100 + static_cast<std::uint64_t>(batch)},
                         .sampled_rows = 0};
    const auto inputs = op.make_inputs(w, all.recipe);
    const Reference reference = op.reference(all, inputs);
    const auto sel = choose(all, op.default_config(w.problem, device.target()), inputs, compiler, device);
    choices.wrong = find_wrong_row(w, reference, sel);
    if (choices.wrong.empty() && sel != choose(all, op.baseline_config(w.problem, device.target()), inputs, compiler, device))
      choices.wrong = fmt::format("{}, batch {}: the baseline's ranges differ", to_string(w), batch);
    choices.rows += static_cast<std::int64_t>(reference.rows.size());
  }
  return choices;
}

}  // namespace nsajit::templates_test
