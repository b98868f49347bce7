// Load, gate, time: what one trial is. Whatever the candidate throws becomes its status.

#include "tuner/local_runner.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/assert.h"
#include "tuner/fault.h"
#include "tuner/stopwatch.h"

namespace nsajit::tuner {
namespace {

// Times are taken on random inputs: data changes speed only through the selections, which the recipe or a recording fixes.
constexpr InputKind kTimingKind = InputKind::Random;
constexpr std::uint64_t kTimingSeed = 1;

}  // namespace

// The tensors of a workload on the device, and one workspace that grows to the hungriest candidate.
class TimingInputs {
 public:
  TimingInputs(const Op& op, const Workload& workload, runtime::Device& device, const Recordings* recordings)
      : op_(op), workload_(workload), text_(to_string(workload)), device_(device) {
    const std::vector<HostTensor> inputs =
        op.make_inputs(workload, {.kind = kTimingKind, .seed = kTimingSeed, .recordings = recordings});
    for (const TensorSpec& spec : op.tensors(workload)) {
      tensors_.push_back(device.allocate(std::max<std::int64_t>(spec.bytes(), 1)));
      if (spec.output) continue;
      const auto input =
          std::find_if(inputs.begin(), inputs.end(), [&](const HostTensor& made) { return made.spec.name == spec.name; });
      NSAJIT_ASSERT(input != inputs.end(), "an operation makes every input of its launch");
      device.copy_in(*tensors_.back(), input->data);
    }
  }

  bool serves(const Op& op, const Workload& workload) const { return &op == &op_ && text_ == to_string(workload); }
  LaunchPlan plan(const Config& config) const { return op_.plan(workload_, config, device_.target()); }

  void reserve_workspace(std::int64_t bytes) {
    if (bytes == 0 || (workspace_ && workspace_->bytes() >= bytes)) return;
    workspace_.reset();
    workspace_ = device_.allocate(bytes);
  }

  // Requires: the workspaces of all plans of the measurement are reserved, since a larger one moves it.
  Contender contender(const runtime::Kernel& kernel, LaunchPlan plan) const {
    std::vector<void*> addresses;
    for (const auto& tensor : tensors_) addresses.push_back(tensor->address());
    void* const workspace = plan.workspace_bytes > 0 ? workspace_->address() : nullptr;
    std::vector<std::byte> args = op_.arguments(workload_, addresses, workspace);
    return {.kernel = &kernel, .plan = std::move(plan), .args = std::move(args)};
  }

 private:
  const Op& op_;
  Workload workload_;
  std::string text_;
  runtime::Device& device_;
  std::vector<std::unique_ptr<runtime::Buffer>> tensors_;
  std::unique_ptr<runtime::Buffer> workspace_;
};

LocalRunner::LocalRunner(runtime::Device& device, const Recordings* recordings) : device_(device), recordings_(recordings) {}
LocalRunner::~LocalRunner() = default;

ParityChecker& LocalRunner::checker_for(const Op& op) {
  if (checker_op_ != &op) {
    checker_ = std::make_unique<ParityChecker>(op, device_, recordings_);
    checker_op_ = &op;
  }
  return *checker_;
}

TimingInputs& LocalRunner::timing_for(const Op& op, const Workload& workload) {
  if (!timing_ || !timing_->serves(op, workload)) {
    timing_.reset();  // first: two workloads may not fit side by side
    timing_ = std::make_unique<TimingInputs>(op, workload, device_, recordings_);
  }
  return *timing_;
}

void LocalRunner::prepare(const Workload& workload, bool gate) {
  const Op& op = find_op(workload.problem);
  if (gate) checker_for(op).prepare(workload);
  timing_for(op, workload);
}

TrialResult LocalRunner::refuse() const {
  return {.status = cache::TrialStatus::Crash,
          .reason = fmt::format("not run: an earlier fault left the device unusable in this process ({})", *device_lost_)};
}

void LocalRunner::record_fault(const std::exception& error, TrialResult& result) {
  const Fault fault = classify_fault(error);
  result.status = fault.status;
  result.reason = fault.reason;
  if (fault.device_lost) device_lost_ = fault.reason;
}

void LocalRunner::run_gated(const TrialRequest& request, TrialResult& result) {
  const Op& op = find_op(request.workload.problem);
  const std::unique_ptr<runtime::Kernel> kernel = device_.load(*request.binary);
  if (request.gate) {
    const Stopwatch stopwatch;
    result.parity = checker_for(op).check(request.workload, request.config, *kernel);
    result.parity_ms = 1e3 * stopwatch.seconds();
    if (!result.parity.passed) {
      result.status = cache::TrialStatus::Parity;
      result.reason = result.parity.reason;
      return;
    }
  }
  TimingInputs& timing = timing_for(op, request.workload);
  LaunchPlan plan = timing.plan(request.config);
  timing.reserve_workspace(plan.workspace_bytes);
  const Contender contender = timing.contender(*kernel, std::move(plan));
  const Stopwatch stopwatch;
  result.timing = measure_interleaved(device_, {&contender, 1}, request.measure).front();
  result.measure_ms = 1e3 * stopwatch.seconds();
  device_.synchronize();
  result.status = cache::TrialStatus::Measured;
}

// Runs `step`; what it throws becomes the result. False: it threw, or an earlier fault has lost the device.
template <typename Step>
bool LocalRunner::attempt(TrialResult& result, Step step) {
  if (device_lost_) {
    result = refuse();
    return false;
  }
  try {
    step();
    return true;
  } catch (const std::exception& error) {
    record_fault(error, result);
    return false;
  }
}

TrialResult LocalRunner::run(const TrialRequest& request) {
  NSAJIT_ASSERT(request.binary != nullptr, "a trial has a compiled candidate");
  TrialResult result;
  attempt(result, [&] { run_gated(request, result); });
  return result;
}

RaceResult LocalRunner::race(const Workload& workload, std::span<const RaceEntry> entries, const MeasureOptions& options) {
  RaceResult race{.entries = std::vector<TrialResult>(entries.size())};
  // Every workspace is reserved before the first contender takes its address.
  std::vector<LaunchPlan> plans(entries.size());
  std::vector<std::size_t> planned;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool done = attempt(race.entries[i], [&] {
      TimingInputs& timing = timing_for(find_op(workload.problem), workload);
      plans[i] = timing.plan(entries[i].config);
      timing.reserve_workspace(plans[i].workspace_bytes);
    });
    if (done) planned.push_back(i);
  }

  // Each runs alone once, so that a fault is laid at the right door.
  std::map<const codegen::Binary*, std::unique_ptr<runtime::Kernel>> loaded;
  std::vector<std::size_t> starters;
  std::vector<Contender> contenders;
  for (const std::size_t i : planned) {
    const bool done = attempt(race.entries[i], [&] {
      NSAJIT_ASSERT(entries[i].binary != nullptr, "a race entry has a compiled candidate");
      auto& kernel = loaded[entries[i].binary];
      if (!kernel) kernel = device_.load(*entries[i].binary);
      Contender contender = timing_->contender(*kernel, plans[i]);
      kernel->launch(contender.plan, contender.args, nullptr);
      device_.synchronize();
      contenders.push_back(std::move(contender));
    });
    if (done) starters.push_back(i);
  }
  if (!contenders.empty()) time_starters(contenders, starters, options, race);
  return race;
}

void LocalRunner::time_starters(std::span<const Contender> contenders, std::span<const std::size_t> starters,
                                const MeasureOptions& options, RaceResult& race) {
  TrialResult shared;  // of whatever befalls the measurement as a whole
  std::vector<Timing> timings;
  const Stopwatch stopwatch;
  const bool done = attempt(shared, [&] {
    timings = measure_interleaved(device_, contenders, options);
    device_.synchronize();
  });
  for (std::size_t k = 0; k < starters.size(); ++k) {
    TrialResult& result = race.entries[starters[k]];
    result = shared;
    if (!done) continue;
    result.status = cache::TrialStatus::Measured;
    result.timing = std::move(timings[k]);
    result.measure_ms = 1e3 * stopwatch.seconds() / static_cast<double>(starters.size());
  }
}

std::unique_ptr<TrialRunner> make_local_runner(runtime::Device& device, const Recordings* recordings) {
  return std::make_unique<LocalRunner>(device, recordings);
}

}  // namespace nsajit::tuner
