// Bench case: pick -> compile -> gate -> race.

#include "cli/bench_case.h"

#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "cli/bench_contenders.h"
#include "codegen/kernel_source.h"
#include "core/assert.h"
#include "nsajit/error.h"
#include "runtime/kernel_key.h"
#include "runtime/stored_binary.h"
#include "tuner/compile_queue.h"
#include "tuner/trial_record.h"

namespace nsajit::cli {
namespace {

// A contender on its way to the race.
struct Lane {
  BenchEntry* entry = nullptr;
  cache::TrialKey key;
  std::future<runtime::Built> compiling;  // not valid where the cache has the binary
  std::optional<codegen::Binary> binary;
};

cache::TrialKey make_trial_key(const Op& op, const Workload& workload, const Target& target, const Config& config,
                               const codegen::KernelSource& source, const codegen::CompilerIdentity& compiler) {
  return {.kernel = runtime::make_kernel_key(op, workload.problem, config, target, source, compiler),
          .workload = to_string(workload),
          .device = to_string(target),
          .driver_version = target.driver_version,
          .gate_version = tuner::kGateVersion,
          .measure_version = tuner::kMeasureVersion};
}

std::vector<Lane> start_lanes(BenchTools& tools, const Op& op, const Workload& workload, std::vector<BenchEntry>& entries,
                              tuner::CompileQueue& queue) {
  const Target& target = tools.runner.target();
  std::vector<Lane> lanes;
  for (auto& entry : entries) {
    auto source = codegen::specialize(op, workload.problem, entry.config, target);
    Lane lane{.entry = &entry, .key = make_trial_key(op, workload, target, entry.config, source, tools.compiler.identity())};
    lane.binary = runtime::find_stored_binary(tools.cache, lane.key.kernel);
    if (!lane.binary) lane.compiling = queue.submit(std::move(source), lane.key.kernel);
    lanes.push_back(std::move(lane));
  }
  return lanes;
}

void finish_compiling(Lane& lane) {
  if (lane.binary) return;
  auto result = lane.compiling.get().result;
  if (auto* binary = std::get_if<codegen::Binary>(&result)) {
    lane.binary = std::move(*binary);
    return;
  }
  lane.entry->status = cache::TrialStatus::CompileError;
  lane.entry->reason = std::get<codegen::CompileFailure>(result).reason;
}

// Of the first output on the workload itself, which is the last of the gate's cases.
double workload_mae(const std::vector<cache::ParityRecord>& verdicts, const std::string& output) {
  double mae = 0;
  for (const auto& verdict : verdicts) {
    if (verdict.tensor == output) mae = verdict.mean_error;
  }
  return mae;
}

std::string first_output(const Op& op, const Workload& workload) {
  for (const auto& tensor : op.tensors(workload)) {
    if (tensor.output) return tensor.name;
  }
  NSAJIT_ASSERT(false, "an operation has an output");
  return "";
}

// Sets the entry's status: Measured once the gate is passed.
void gate(BenchTools& tools, const Workload& workload, const std::string& output, Lane& lane) {
  BenchEntry& entry = *lane.entry;
  const auto known = tools.cache.find_trial(lane.key);
  const auto verdicts = known && known->status == cache::TrialStatus::Measured ? tools.cache.find_parity(known->id)
                                                                               : std::vector<cache::ParityRecord>{};
  if (!verdicts.empty()) {
    entry.status = cache::TrialStatus::Measured;
    entry.mae = workload_mae(verdicts, output);
    return;
  }
  const auto result = tools.runner.run({.workload = workload,
                                        .config = entry.config,
                                        .binary = &*lane.binary,
                                        .gate = true,
                                        .measure = {.warmup = 0, .rounds = 1}});
  entry.status = result.status;
  entry.reason = result.reason;
  entry.mae = workload_mae(tuner::make_parity_records(result.parity), output);
}

void race(BenchTools& tools, const Workload& workload, const BenchSettings& settings, std::vector<Lane>& lanes,
          std::vector<BenchEntry>& twins) {
  std::vector<tuner::RaceEntry> starters;
  std::vector<BenchEntry*> racing;
  for (auto& lane : lanes) {
    if (lane.entry->status != cache::TrialStatus::Measured) continue;
    starters.push_back({.config = lane.entry->config, .binary = &*lane.binary});
    racing.push_back(lane.entry);
  }
  if (starters.empty()) return;
  if (settings.aa) {
    twins.push_back(*racing.front());
    twins.back().roles = {kTwinRole};
    twins.back().source = "the first kernel once more";
    starters.push_back(starters.front());
    racing.push_back(&twins.back());
  }
  auto result = tools.runner.race(workload, starters, settings.measure);
  NSAJIT_ASSERT(result.entries.size() == racing.size(), "a race answers every entry");
  for (std::size_t index = 0; index < racing.size(); ++index) {
    racing[index]->status = result.entries[index].status;
    racing[index]->reason = result.entries[index].reason;
    racing[index]->timing = std::move(result.entries[index].timing);
  }
}

void predict(const Op& op, const Workload& workload, const Target& target, std::vector<BenchEntry>& entries) {
  for (auto& entry : entries) {
    const auto predicted = op.predict(workload, entry.config, target);
    if (predicted && predicted->time_us > 0) entry.predicted = predicted;
  }
}

}  // namespace

BenchCase run_bench_case(BenchTools& tools, const Workload& workload, const BenchSettings& settings) {
  const Op& op = find_op(workload.problem);
  const Target& target = tools.runner.target();
  BenchCase bench_case{.workload = workload,
                       .work = op.recorded_work(workload, tools.recordings),
                       .length = op.threshold_length(workload),
                       .entries = pick_contenders(op, workload, target, tools.cache, settings.configs)};
  if (settings.predicted) predict(op, workload, target, bench_case.entries);
  tuner::CompileQueue queue(tools.compiler, target, settings.compile_threads, "");
  auto lanes = start_lanes(tools, op, workload, bench_case.entries, queue);
  const std::string output = first_output(op, workload);
  const auto total = static_cast<std::int64_t>(lanes.size());
  for (std::int64_t done = 0; done < total; ++done) {
    auto& lane = lanes[static_cast<std::size_t>(done)];
    tools.progress.update({.done = done, .total = total, .phase = "gate"});
    finish_compiling(lane);
    if (lane.binary) gate(tools, workload, output, lane);
  }
  tools.progress.update({.done = total, .total = total, .phase = "race"});
  std::vector<BenchEntry> twins;
  twins.reserve(1);  // the race keeps its address
  race(tools, workload, settings, lanes, twins);
  bench_case.entries.insert(bench_case.entries.end(), twins.begin(), twins.end());
  return bench_case;
}

}  // namespace nsajit::cli
