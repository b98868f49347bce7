// Forward race: see the header.

#include "cli/forward_race.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "cache/utc_time.h"
#include "cli/toolchain.h"
#include "core/assert.h"

namespace nsajit::cli {
namespace {

using runtime::ForwardPart;
using runtime::ForwardPlan;

constexpr std::array<std::pair<ForwardPart, const char*>, runtime::kForwardParts> kParts{{{ForwardPart::Compressed, "cmp"},
                                                                                          {ForwardPart::Scoring, "score"},
                                                                                          {ForwardPart::Selection, "sel"},
                                                                                          {ForwardPart::Sliding, "win"},
                                                                                          {ForwardPart::Gate, "gate"}}};

}  // namespace

RaceBench::RaceBench(const Session& session, const std::string& device, const std::string& cache)
    : command_line_(session.command_line),
      server_({.device = device, .cache_path = cache, .read_only = true}, session.environment),
      device_(runtime::make_device(device, session.environment)),
      compiler_(codegen::make_compiler(device_->target().backend, session.environment)),
      cache_(cache::Cache::open(cache, cache::OpenMode::ReadOnly)),
      kernels_(*device_, *compiler_),
      decisions_(cache_),
      tools_{.server = server_, .kernels = kernels_, .decisions = decisions_} {}

std::string RaceBench::describe(std::vector<ForwardRow> rows, int rounds) const {
  return format_forward_json({.target = device_->target(),
                              .compiler = compiler_->identity(),
                              .nsajit_version = std::string(program_version()),
                              .command = command_line_,
                              .created_utc = cache::utc_now(),
                              .rounds = rounds,
                              .rows = std::move(rows)});
}

std::vector<ForwardContender> race_lanes(runtime::Device& device, const std::vector<RaceLane>& lanes,
                                         const tuner::MeasureOptions& options) {
  std::vector<std::unique_ptr<runtime::LaunchSequence>> sequences;
  std::vector<tuner::TimedRun> runs;
  for (const RaceLane& lane : lanes) {
    sequences.push_back(device.capture(lane.work));
    runs.push_back([&device, sequence = sequences.back().get()] {
      return device.time_work_us([&](runtime::Stream stream) { sequence->launch(stream); });
    });
  }
  auto timings = tuner::measure_interleaved(device, runs, options);
  NSAJIT_ASSERT(timings.size() == lanes.size(), "a measurement answers every contender");
  std::vector<ForwardContender> contenders;
  for (std::size_t i = 0; i < lanes.size(); ++i)
    contenders.push_back({.name = lanes[i].name, .kernel = lanes[i].kernel, .timing = std::move(timings[i])});
  return contenders;
}

BoundForward::BoundForward(RaceTools& tools, const nsajit_forward_call& call, ForwardPlan::Pieces pieces) {
  nsajit_forward_call own = call;
  own.workspace_bytes = ForwardPlan(tools.server, own, runtime::CallUse::Plan, pieces).workspace_bytes();
  workspace_ = tools.kernels.device().allocate(own.workspace_bytes);
  own.workspace = workspace_->address();
  plan_ = std::make_unique<ForwardPlan>(tools.server, own, runtime::CallUse::Launch, pieces);
}

std::string describe_kernel(const runtime::ServedKernel& kernel) {
  return fmt::format("{}, {}", to_string(kernel.decision.config), to_string(kernel.decision.grade));
}

ForwardRow race_forward(RaceTools& tools, const Workload& workload, std::int64_t longest, const tuner::MeasureOptions& options) {
  runtime::Device& device = tools.kernels.device();
  const ForwardTensors tensors(device, workload);
  const DenseContender dense(tools.kernels, tools.decisions, tensors.call(), longest);
  const BoundForward whole(tools, tensors.call(), ForwardPlan::Pieces::Shared);
  nsajit_forward_call apart = tensors.call();
  apart.sel = tensors.ranges();  // each part finds what the one before it left
  const BoundForward parts(tools, apart, ForwardPlan::Pieces::Apart);
  ForwardRow row{.workload = workload, .workspace_bytes = whole.plan().workspace_bytes(), .tensor_bytes = tensors.bytes()};

  std::vector<RaceLane> lanes;
  for (const auto& [part, name] : kParts) {
    lanes.push_back({.name = name,
                     .kernel = describe_kernel(parts.plan().kernel(part)),
                     .work = [&parts, part](runtime::Stream stream) { parts.plan().launch(part, stream); }});
  }
  lanes.push_back({.name = "forward", .kernel = "", .work = [&](runtime::Stream stream) { whole.plan().launch(stream); }});
  const auto side = device.make_stream();
  std::optional<BoundForward> beside;
  if (side != nullptr) {
    nsajit_forward_call call = tensors.call();
    call.side_stream = side->get();
    beside.emplace(tools, call, ForwardPlan::Pieces::Shared);
    row.beside_bytes = beside->plan().workspace_bytes();
    lanes.push_back({.name = "beside", .kernel = "", .work = [&](runtime::Stream stream) { beside->plan().launch(stream); }});
  }
  lanes.push_back(
      {.name = "dense", .kernel = to_string(dense.config()), .work = [&](runtime::Stream stream) { dense.launch(stream); }});
  row.contenders = race_lanes(device, lanes, options);
  return row;
}

}  // namespace nsajit::cli
