// The gate: per case, a run that is compared, a second run that must give the same bits, and runs with a
// changed future that must leave the past alone. The first case that fails ends the check.

#include "tuner/parity.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "tuner/guarded_buffer.h"
#include "tuner/parity_compare.h"
#include "tuner/parity_inputs.h"

namespace nsajit::tuner {
namespace {

// The second run starts from other bytes: what a kernel leaves unwritten, or reads before it writes, differs.
constexpr std::byte kSecondPoison{0x5A};

// Inputs beyond this are compared at evenly spread chunks only: a check per candidate must not read gigabytes.
constexpr std::int64_t kFullCompareBytes = std::int64_t{16} << 20;
constexpr std::int64_t kChunkBytes = 64 << 10;
constexpr std::int64_t kChunks = 128;

using Buffers = std::vector<std::unique_ptr<GuardedBuffer>>;
using Outputs = std::vector<std::vector<std::byte>>;

// One candidate on one case.
class CaseCheck {
 public:
  CaseCheck(const Op& op, runtime::Device& device, const PreparedCase& prepared, const Config& config,
            const runtime::Kernel& kernel);
  std::vector<TensorVerdict> run(const Buffers& inputs);

 private:
  Outputs launch(const Buffers& inputs, std::byte poison);
  void compare(const Outputs& produced);
  void check_guards(const Buffers& inputs);
  void check_inputs(const Buffers& inputs);
  void check_repeat(const Outputs& first, const Outputs& second);
  void check_future(const ChangedFuture& future, const Outputs& before);
  bool failed() const;
  void fail(std::string_view tensor, std::string reason);

  const Op& op_;
  runtime::Device& device_;
  const PreparedCase& case_;
  const runtime::Kernel& kernel_;
  LaunchPlan plan_;
  Buffers outputs_;
  GuardedBuffer workspace_;
  std::vector<TensorVerdict> verdicts_;
};

CaseCheck::CaseCheck(const Op& op, runtime::Device& device, const PreparedCase& prepared, const Config& config,
                     const runtime::Kernel& kernel)
    : op_(op),
      device_(device),
      case_(prepared),
      kernel_(kernel),
      plan_(op.plan(prepared.spec.workload, config, device.target())),
      workspace_(device, plan_.workspace_bytes) {
  for (const OutputExpectation& expected : case_.expectations)
    outputs_.push_back(std::make_unique<GuardedBuffer>(device, expected.spec.bytes()));
}

std::vector<TensorVerdict> CaseCheck::run(const Buffers& inputs) {
  const Outputs first = launch(inputs, kPoison);
  compare(first);
  check_guards(inputs);
  check_inputs(inputs);
  if (!failed()) check_repeat(first, launch(inputs, kSecondPoison));
  if (!failed()) check_guards(inputs);
  for (const ChangedFuture& future : case_.futures)
    if (!failed()) check_future(future, first);
  return std::move(verdicts_);
}

Outputs CaseCheck::launch(const Buffers& inputs, std::byte poison) {
  std::vector<void*> addresses;
  auto input = inputs.begin();
  auto output = outputs_.begin();
  for (const TensorSpec& spec : case_.tensors) addresses.push_back(spec.output ? (*output++)->address() : (*input++)->address());
  for (const auto& buffer : outputs_) buffer->poison(poison);
  workspace_.poison(poison);
  void* const workspace = plan_.workspace_bytes > 0 ? workspace_.address() : nullptr;
  kernel_.launch(plan_, op_.case_arguments(case_.spec, addresses, workspace), nullptr);
  device_.synchronize();
  Outputs produced;
  for (const auto& buffer : outputs_) produced.push_back(buffer->download());
  return produced;
}

void CaseCheck::compare(const Outputs& produced) {
  for (std::size_t i = 0; i < produced.size(); ++i) {
    const OutputExpectation& expected = case_.expectations[i];
    Comparison comparison = compare_output(expected, produced[i]);
    verdicts_.push_back({.parity_case = case_.spec.name,
                         .tensor = expected.spec.name,
                         .error = comparison.error,
                         .allowed = comparison.allowed,
                         .passed = comparison.reason.empty(),
                         .reason = std::move(comparison.reason)});
  }
}

void CaseCheck::check_guards(const Buffers& inputs) {
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (auto damage = outputs_[i]->find_damage()) fail(case_.expectations[i].spec.name, *std::move(damage));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (auto damage = inputs[i]->find_damage()) fail(case_.inputs[i].spec.name, *std::move(damage));
  if (auto damage = workspace_.find_damage()) fail("workspace", *std::move(damage));
}

void CaseCheck::check_inputs(const Buffers& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const HostTensor& original = case_.inputs[i];
    const auto total = static_cast<std::int64_t>(original.data.size());
    const bool whole = total <= kFullCompareBytes;
    const std::int64_t chunk = whole ? total : kChunkBytes;
    std::vector<std::byte> now(static_cast<std::size_t>(chunk));
    for (std::int64_t part = 0; part < (whole ? 1 : kChunks); ++part) {
      const std::int64_t offset = whole ? 0 : (total - chunk) * part / (kChunks - 1);
      inputs[i]->download(now, offset);
      const auto [at, ignored] = std::mismatch(now.begin(), now.end(), original.data.begin() + offset);
      if (at == now.end()) continue;
      fail(original.spec.name, fmt::format("input changed by the kernel at byte {}", offset + (at - now.begin())));
      break;
    }
  }
}

void CaseCheck::check_repeat(const Outputs& first, const Outputs& second) {
  for (std::size_t i = 0; i < first.size(); ++i) {
    const TensorSpec& spec = case_.expectations[i].spec;
    const auto [at, ignored] = std::mismatch(first[i].begin(), first[i].end(), second[i].begin());
    if (at == first[i].end()) continue;
    const auto element = (at - first[i].begin()) / static_cast<std::int64_t>(element_bytes(spec.type));
    fail(spec.name, fmt::format("not deterministic: element {} is {} in one run and {} in the next", element,
                                element_value(spec.type, first[i], element), element_value(spec.type, second[i], element)));
  }
}

// Rows at positions up to the future's must keep their bits.
void CaseCheck::check_future(const ChangedFuture& future, const Outputs& before) {
  const Buffers inputs = upload_inputs(device_, future.inputs);
  const Outputs after = launch(inputs, kPoison);
  const Workload& workload = case_.spec.workload;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const TensorSpec& spec = case_.expectations[i].spec;
    const auto width = static_cast<std::int64_t>(element_bytes(spec.type));
    for (std::int64_t row = 0; row < workload.B * workload.S * workload.G; ++row) {
      const std::int64_t position = workload.S_kv - workload.S + row / workload.G % workload.S;
      if (position > future.position) continue;
      const Op::RowSlice slice = op_.output_row(workload, spec.name, row);
      const auto offset = static_cast<std::size_t>(slice.begin * width);
      if (std::memcmp(before[i].data() + offset, after[i].data() + offset, static_cast<std::size_t>(slice.count * width)) == 0)
        continue;
      fail(spec.name, fmt::format("looks ahead: {} at position {} changes with tokens after position {}",
                                  describe_row(workload, row), position, future.position));
      break;
    }
  }
}

bool CaseCheck::failed() const {
  return std::any_of(verdicts_.begin(), verdicts_.end(), [](const TensorVerdict& verdict) { return !verdict.passed; });
}

// On the tensor's own verdict where it has one; inputs and workspace get one when they fail. The first reason stays.
void CaseCheck::fail(std::string_view tensor, std::string reason) {
  auto found =
      std::find_if(verdicts_.begin(), verdicts_.end(), [&](const TensorVerdict& verdict) { return verdict.tensor == tensor; });
  if (found == verdicts_.end())
    found = verdicts_.insert(found, {.parity_case = case_.spec.name, .tensor = std::string(tensor), .passed = true});
  if (!found->passed) return;
  found->passed = false;
  found->reason = std::move(reason);
}

}  // namespace

ParityChecker::ParityChecker(const Op& op, runtime::Device& device, const Recordings* recordings)
    : op_(op), device_(device), recordings_(recordings) {}
ParityChecker::~ParityChecker() = default;

void ParityChecker::prepare(const Workload& workload) {
  const std::string text = to_string(workload);
  if (text == workload_text_) return;
  workload_text_.clear();
  cases_.clear();
  // A quarter of the device's memory may hold inputs between checks: they are the same for every candidate.
  std::int64_t budget = device_.target().memory_bytes / 4;
  for (ParityCase& parity_case : op_.parity_cases(workload)) {
    parity_case.recipe.recordings = recordings_;
    cases_.push_back(prepare_case(op_, parity_case));
    cases_.back()->keep_resident = cases_.back()->input_bytes() <= budget;
    if (cases_.back()->keep_resident) budget -= cases_.back()->input_bytes();
  }
  workload_text_ = text;
}

ParityReport ParityChecker::check(const Workload& workload, const Config& config, const runtime::Kernel& kernel) {
  prepare(workload);
  ParityReport report{.passed = !cases_.empty(), .reason = cases_.empty() ? "the operation has no parity cases" : ""};
  for (const auto& prepared : cases_) {
    // Taken out while in use: after a failure or an exception the buffers may hold what the kernel wrote.
    Buffers inputs = std::move(prepared->resident);
    prepared->resident.clear();
    if (inputs.empty()) inputs = upload_inputs(device_, prepared->inputs);
    std::vector<TensorVerdict> verdicts = CaseCheck(op_, device_, *prepared, config, kernel).run(inputs);
    for (TensorVerdict& verdict : verdicts) {
      if (!verdict.passed && report.passed) {
        report.passed = false;
        report.reason = fmt::format("{}: {}: {}", verdict.parity_case, verdict.tensor, verdict.reason);
      }
      report.verdicts.push_back(std::move(verdict));
    }
    if (!report.passed) break;
    if (prepared->keep_resident) prepared->resident = std::move(inputs);
  }
  return report;
}

}  // namespace nsajit::tuner
