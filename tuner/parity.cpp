// The gate: per case, a run that is compared, a second run that must give the same bits, and runs with a
// changed future that must leave the past alone. The first case that fails ends the check.

#include "tuner/parity.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "tuner/guarded_buffer.h"
#include "tuner/host_scan.h"
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

// What is compared while it comes: fits the cache of a core, and hides the latency of a copy.
constexpr std::int64_t kStreamBytes = std::int64_t{8} << 20;

using Outputs = std::vector<std::span<const std::byte>>;

}  // namespace

// Host copies of outputs. They only grow: memory that is fresh from the system costs more than the copy into it.
class HostImages {
 public:
  enum class Slot : std::uint8_t { First, Other, Stream };

  std::span<std::byte> take(Slot slot, std::size_t output, std::int64_t bytes) {
    auto& images = slots_.at(static_cast<std::size_t>(slot));
    if (images.size() <= output) images.resize(output + 1);
    auto& image = images[output];
    if (image.size() < static_cast<std::size_t>(bytes)) {
      image.clear();  // nothing of it is to be moved
      image.resize(static_cast<std::size_t>(bytes));
    }
    return std::span(image).first(static_cast<std::size_t>(bytes));
  }

 private:
  std::array<std::vector<std::vector<std::byte>>, 3> slots_;
};

namespace {

// One candidate on one case.
class CaseCheck {
 public:
  CaseCheck(const Op& op, runtime::Device& device, PreparedCase& prepared, const Config& config, const runtime::Kernel& kernel,
            HostImages& images);
  std::vector<TensorVerdict> run(const Buffers& inputs, const Buffers& outputs);

 private:
  void launch(const Buffers& inputs, std::byte poison);
  Outputs download(HostImages::Slot slot);
  void compare(const Outputs& produced);
  void check_guards(const Buffers& inputs);
  void check_inputs(const Buffers& inputs, std::span<const HostTensor> originals);
  void check_repeat(const Outputs& first);
  void check_future(ChangedFuture& future, const Outputs& before);
  void compare_past(const ChangedFuture& future, const Outputs& before, const Outputs& after);
  bool failed() const;
  void fail(std::string_view tensor, std::string reason);

  const Op& op_;
  runtime::Device& device_;
  PreparedCase& case_;
  const runtime::Kernel& kernel_;
  HostImages& images_;
  LaunchPlan plan_;
  const Buffers* outputs_ = nullptr;
  GuardedBuffer workspace_;
  std::vector<TensorVerdict> verdicts_;
};

CaseCheck::CaseCheck(const Op& op, runtime::Device& device, PreparedCase& prepared, const Config& config,
                     const runtime::Kernel& kernel, HostImages& images)
    : op_(op),
      device_(device),
      case_(prepared),
      kernel_(kernel),
      images_(images),
      plan_(op.plan(prepared.spec.workload, config, device.target())),
      workspace_(device, plan_.workspace_bytes) {}

std::vector<TensorVerdict> CaseCheck::run(const Buffers& inputs, const Buffers& outputs) {
  outputs_ = &outputs;
  launch(inputs, kPoison);
  const Outputs first = download(HostImages::Slot::First);
  compare(first);
  check_guards(inputs);
  check_inputs(inputs, case_.inputs);
  if (!failed()) {
    launch(inputs, kSecondPoison);
    check_repeat(first);
    check_guards(inputs);
  }
  for (ChangedFuture& future : case_.futures)
    if (!failed()) check_future(future, first);
  return std::move(verdicts_);
}

void CaseCheck::launch(const Buffers& inputs, std::byte poison) {
  std::vector<void*> addresses;
  auto input = inputs.begin();
  auto output = outputs_->begin();
  for (const TensorSpec& spec : case_.tensors) addresses.push_back(spec.output ? (*output++)->address() : (*input++)->address());
  for (const auto& buffer : *outputs_) buffer->poison(poison);
  workspace_.poison(poison);
  void* const workspace = plan_.workspace_bytes > 0 ? workspace_.address() : nullptr;
  kernel_.launch(plan_, op_.case_arguments(case_.spec, addresses, workspace), nullptr);
  device_.synchronize();
}

Outputs CaseCheck::download(HostImages::Slot slot) {
  Outputs produced;
  for (std::size_t i = 0; i < outputs_->size(); ++i) {
    const auto image = images_.take(slot, i, case_.expectations[i].spec.bytes());
    (*outputs_)[i]->download(image, 0);
    produced.push_back(image);
  }
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
  for (std::size_t i = 0; i < outputs_->size(); ++i)
    if (auto damage = (*outputs_)[i]->find_damage()) fail(case_.expectations[i].spec.name, *std::move(damage));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (auto damage = inputs[i]->find_damage()) fail(case_.inputs[i].spec.name, *std::move(damage));
  if (auto damage = workspace_.find_damage()) fail("workspace", *std::move(damage));
}

void CaseCheck::check_inputs(const Buffers& inputs, std::span<const HostTensor> originals) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const HostTensor& original = originals[i];
    const auto total = static_cast<std::int64_t>(original.data.size());
    const bool whole = total <= kFullCompareBytes;
    const std::int64_t chunk = whole ? total : kChunkBytes;
    const auto now = images_.take(HostImages::Slot::Stream, 0, chunk);
    for (std::int64_t part = 0; part < (whole ? 1 : kChunks); ++part) {
      const std::int64_t offset = whole ? 0 : (total - chunk) * part / (kChunks - 1);
      inputs[i]->download(now, offset);
      const auto difference =
          find_difference(now, std::span(original.data).subspan(static_cast<std::size_t>(offset), now.size()));
      if (!difference) continue;
      fail(original.spec.name, fmt::format("input changed by the kernel at byte {}", offset + *difference));
      break;
    }
  }
}

// The second run is compared piece by piece while it is copied: it is never held as a whole.
void CaseCheck::check_repeat(const Outputs& first) {
  for (std::size_t i = 0; i < first.size(); ++i) {
    const TensorSpec& spec = case_.expectations[i].spec;
    const auto total = static_cast<std::int64_t>(first[i].size());
    for (std::int64_t offset = 0; offset < total; offset += kStreamBytes) {
      const auto now = images_.take(HostImages::Slot::Stream, 0, std::min(kStreamBytes, total - offset));
      (*outputs_)[i]->download(now, offset);
      const auto before = first[i].subspan(static_cast<std::size_t>(offset), now.size());
      const auto difference = find_difference(before, now);
      if (!difference) continue;
      const auto width = static_cast<std::int64_t>(element_bytes(spec.type));
      const std::int64_t element = *difference / width;  // of this piece: a piece begins with an element
      fail(spec.name, fmt::format("not deterministic: element {} is {} in one run and {} in the next", offset / width + element,
                                  element_value(spec.type, before, element), element_value(spec.type, now, element)));
      break;
    }
  }
}

// The changed inputs stay on the device where there is room. They are checked like the others: what a kernel left in them
// would be the next candidate's.
void CaseCheck::check_future(ChangedFuture& future, const Outputs& before) {
  Buffers inputs = std::move(future.resident);
  future.resident.clear();
  if (inputs.empty()) inputs = upload_inputs(device_, future.inputs);
  launch(inputs, kPoison);
  compare_past(future, before, download(HostImages::Slot::Other));
  if (!case_.keep_resident) return;
  check_guards(inputs);
  check_inputs(inputs, future.inputs);
  if (!failed()) future.resident = std::move(inputs);
}

// Rows at positions up to the future's must keep their bits.
void CaseCheck::compare_past(const ChangedFuture& future, const Outputs& before, const Outputs& after) {
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
    : op_(op), device_(device), recordings_(recordings), images_(std::make_unique<HostImages>()) {}
ParityChecker::~ParityChecker() = default;

void ParityChecker::prepare(const Workload& workload) {
  const std::string text = to_string(workload);
  if (text == workload_text_) return;
  workload_text_.clear();
  cases_.clear();
  images_ = std::make_unique<HostImages>();  // a smaller workload does not hold a larger one's memory
  // A quarter of the device's memory may hold what stays between checks: it is the same for every candidate.
  std::int64_t budget = device_.target().memory_bytes / 4;
  for (ParityCase& parity_case : op_.parity_cases(workload)) {
    parity_case.recipe.recordings = recordings_;
    cases_.push_back(prepare_case(op_, parity_case));
    cases_.back()->keep_resident = cases_.back()->device_bytes() <= budget;
    if (cases_.back()->keep_resident) budget -= cases_.back()->device_bytes();
  }
  workload_text_ = text;
}

std::vector<TensorVerdict> ParityChecker::check_case(PreparedCase& prepared, const Config& config,
                                                     const runtime::Kernel& kernel) {
  // Taken out while in use: after a failure or an exception the buffers may hold what the kernel wrote.
  Buffers inputs = std::move(prepared.resident), outputs = std::move(prepared.outputs);
  prepared.resident.clear();
  prepared.outputs.clear();
  if (inputs.empty()) inputs = upload_inputs(device_, prepared.inputs);
  if (outputs.empty()) {
    for (const OutputExpectation& expected : prepared.expectations)
      outputs.push_back(std::make_unique<GuardedBuffer>(device_, expected.spec.bytes()));
  }
  auto verdicts = CaseCheck(op_, device_, prepared, config, kernel, *images_).run(inputs, outputs);
  const bool passed = std::all_of(verdicts.begin(), verdicts.end(), [](const TensorVerdict& verdict) { return verdict.passed; });
  if (prepared.keep_resident && passed) {
    prepared.resident = std::move(inputs);
    prepared.outputs = std::move(outputs);
  }
  return verdicts;
}

ParityReport ParityChecker::check(const Workload& workload, const Config& config, const runtime::Kernel& kernel) {
  prepare(workload);
  ParityReport report{.passed = !cases_.empty(), .reason = cases_.empty() ? "the operation has no parity cases" : ""};
  for (const auto& prepared : cases_) {
    for (TensorVerdict& verdict : check_case(*prepared, config, kernel)) {
      if (!verdict.passed && report.passed) {
        report.passed = false;
        report.reason = fmt::format("{}: {}: {}", verdict.parity_case, verdict.tensor, verdict.reason);
      }
      report.verdicts.push_back(std::move(verdict));
    }
    if (!report.passed) break;
  }
  return report;
}

}  // namespace nsajit::tuner
