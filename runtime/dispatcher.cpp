// Dispatcher: winners and thresholds of the cache -> decision -> loaded kernel.

#include "runtime/dispatcher.h"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/compile_once.h"
#include "runtime/kernel_key.h"
#include "runtime/stored_binary.h"

namespace nsajit::runtime {
namespace {

struct Candidate {
  cache::WinnerRecord record;
  Workload workload;
  Config config;
  double distance = 0;
};

// Quarters of the blocks that neighbouring rows share, rounded: what a caller knows of the overlap is an estimate.
int overlap_bucket(const Workload& workload) { return (workload.overlap_percent + 12) / 25; }

// How far two workloads of one problem are apart: powers of two in each size, added up. Tile choices follow sizes by
// their order of magnitude, and no size is known to matter more than another. A quarter of overlap weighs as an octave:
// from a half on, each halves about what a tile of rows reads that the row before did not. Within a quarter, overlap
// decides between equals, and the same selection between those: a recorded one and a generated one of its overlap are not
// the same work, but nothing that is known of a launch says more than their overlap.
double distance_between(const Workload& a, const Workload& b) {
  const auto octaves = [](std::int64_t x, std::int64_t y) {
    return std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y)));
  };
  return octaves(a.S, b.S) + octaves(a.S_kv, b.S_kv) + octaves(a.B, b.B) + octaves(a.G, b.G) + octaves(a.n, b.n) +
         std::abs(overlap_bucket(a) - overlap_bucket(b)) + std::abs(a.overlap_percent - b.overlap_percent) / 1000.0 +
         (a.selection == b.selection ? 0 : 1 / 2000.0);
}

// A record whose text this build cannot read, or whose config it no longer offers, is a miss.
std::optional<Candidate> find_candidate(const Op& op, const Workload& workload, const Target& target, cache::WinnerRecord record) {
  try {
    Candidate candidate{.workload = parse_workload(record.workload), .config = parse_config(record.config)};
    const bool baseline = candidate.config == op.baseline_config(workload.problem, target);
    const auto violation = baseline ? std::nullopt : op.space(workload.problem, target).find_violation(candidate.config);
    if (violation) {
      log_warn(fmt::format("stored winner {} for {} is passed over: {}", record.config, record.workload, *violation));
      return std::nullopt;
    }
    candidate.distance = distance_between(workload, candidate.workload);
    candidate.record = std::move(record);
    return candidate;
  } catch (const Error& error) {
    log_warn(fmt::format("a stored winner is passed over: {}", error.what()));
    return std::nullopt;
  }
}

// The nearest winner of a device; among equals the newest, which the cache lists first.
void take_nearest(std::optional<Candidate>& nearest, const Op& op, const Workload& workload, const Target& target,
                  cache::Cache& cache, const std::string& device) {
  for (cache::WinnerRecord& record : cache.find_winners(to_string(workload.problem), device)) {
    if (record.op != op.name()) continue;
    auto candidate = find_candidate(op, workload, target, std::move(record));
    if (candidate && (!nearest || candidate->distance < nearest->distance)) nearest = std::move(candidate);
  }
}

// Of this device; where it has none, of those that the user lets serve its model.
std::optional<Candidate> find_nearest(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache) {
  std::optional<Candidate> nearest;
  take_nearest(nearest, op, workload, target, cache, to_string(target));
  if (nearest) return nearest;
  for (const std::string& device : cache.find_aliased_devices(target.name, to_string(target.backend), arch_name(target))) {
    take_nearest(nearest, op, workload, target, cache, device);
  }
  return nearest;
}

std::string sizes_text(const Workload& workload) {
  const std::string text = to_string(workload);
  return text.substr(text.find(';') + 1);
}

// Why the baseline is served although there is a winner; empty where the winner is.
std::string reason_to_decline(const Candidate& candidate, const Config& baseline, std::string_view name, std::int64_t length,
                              const std::optional<cache::ThresholdRecord>& threshold) {
  const cache::WinnerRecord& record = candidate.record;
  if (candidate.config == baseline) return "packed SDPA was the fastest when this was tuned";
  if (record.baseline_us > 0 && record.time_us >= record.baseline_us)
    return fmt::format("the best tuned kernel, {}, took {:.1f} us and packed SDPA {:.1f} us", record.config, record.time_us, record.baseline_us);
  if (threshold && threshold->value < 0)
    return fmt::format("{} is -1: at no measured length was the tuned kernel {:.2f} times as fast as packed SDPA", name, threshold->margin);
  if (threshold && length < threshold->value)
    return fmt::format("length {} is below {} = {}, from where the tuned kernel is {:.2f} times as fast as packed SDPA", length, name,
                       threshold->value, threshold->margin);
  return "";
}

codegen::Binary require_binary(codegen::CompileResult result, const codegen::KernelSource& source, const Target& target) {
  if (auto* binary = std::get_if<codegen::Binary>(&result)) return std::move(*binary);
  const auto& failure = std::get<codegen::CompileFailure>(result);
  throw Error(ErrorCode::Compile, fmt::format("compile {} for {}: {}\n{}", source.name, arch_name(target), failure.reason, failure.log));
}

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::Exact: return "exact";
    case Grade::Nearest: return "nearest";
    case Grade::Fallback: return "fallback";
  }
  return "unknown";
}

Decision find_decision(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache) {
  const Problem& problem = workload.problem;
  const Config baseline = op.baseline_config(problem, target);
  const auto winner = find_nearest(op, workload, target, cache);
  if (!winner)
    return {.config = baseline, .why = fmt::format("nothing is stored for {} on {}; `nsajit tune` it to have a tuned kernel",
                                                   to_string(problem), target.name)};

  const std::string_view name = op.threshold_name(problem);
  const auto threshold =
      name.empty() ? std::nullopt : cache.find_threshold(std::string(name), to_string(problem), winner->record.device);
  Decision decision{.baseline_us = winner->record.baseline_us, .threshold = name.empty() ? 0 : threshold ? threshold->value : -1};
  const std::string declined = reason_to_decline(*winner, baseline, name, op.threshold_length(workload), threshold);
  if (!declined.empty()) {
    decision.config = baseline;
    decision.time_us = winner->workload == workload ? winner->record.baseline_us : 0;
    decision.why = declined;
    return decision;
  }
  decision.config = winner->config;
  decision.time_us = winner->record.time_us;
  if (winner->record.device != to_string(target)) {
    decision.grade = Grade::Nearest;
    decision.why = fmt::format("not tuned on this device; served as tuned for {} on {}, which an alias lets serve {}",
                               sizes_text(winner->workload), winner->record.device, target.name);
    return decision;
  }
  if (winner->workload == workload) {
    decision.grade = Grade::Exact;
    decision.why = fmt::format("tuned for this workload on this device ({} configs considered, {})", winner->record.candidates, winner->record.created_utc);
    return decision;
  }
  decision.grade = Grade::Nearest;
  decision.why = fmt::format("not tuned for {}; served as tuned for {}, the nearest on this device ({:.1f} octaves away)",
                             sizes_text(workload), sizes_text(winner->workload), winner->distance);
  return decision;
}

Dispatcher::Dispatcher(Device& device, codegen::Compiler& compiler, cache::Cache& cache)
    : device_(device), compiler_(compiler), cache_(cache) {}

Dispatcher::~Dispatcher() = default;

BoundKernel Dispatcher::find(const Workload& workload) {
  if (const auto known = found_.find(workload); known != found_.end()) return known->second;
  validate(workload);
  const Op& op = find_op(workload.problem);
  const Target& target = device_.target();
  BoundKernel bound{.decision = find_decision(op, workload, target, cache_)};
  const Config baseline = op.baseline_config(workload.problem, target);
  const auto bind = [&](const Config& config) {
    bound.plan = op.plan(workload, config, target);
    bound.kernel = &load(op, workload.problem, config);
  };
  try {
    bind(bound.decision.config);
  } catch (const Error& error) {
    // A winner that no longer compiles or loads (another toolchain, another driver), or that cannot be launched at these
    // sizes (tuned at others), must not stop the caller.
    if (bound.decision.config == baseline || error.code() == ErrorCode::Frozen) throw;
    log_warn(fmt::format("{}: served by packed SDPA instead: {}", to_string(bound.decision.config), error.what()));
    bound.decision = {.config = baseline, .why = fmt::format("the stored winner cannot be used: {}", error.what())};
    bind(baseline);
  }
  return found_.emplace(workload, std::move(bound)).first->second;
}

const Kernel& Dispatcher::load(const Op& op, const Problem& problem, const Config& config) {
  const Target& target = device_.target();
  const codegen::KernelSource source = codegen::specialize(op, problem, config, target);
  const cache::CacheKey key = make_kernel_key(op, problem, config, target, source, compiler_.identity());
  std::unique_ptr<Kernel>& kernel = loaded_[key.digest()];
  if (kernel) return *kernel;
  if (const auto stored = find_stored_binary(cache_, key)) {
    try {
      kernel = device_.load(*stored);
      return *kernel;
    } catch (const Error& error) {
      log_warn(fmt::format("the stored binary of {} does not load and is compiled anew: {}", to_string(config), error.what()));
    }
  }
  const std::string shared = cache_.is_writable() ? cache_.path() : "";
  kernel = device_.load(require_binary(compile_once(compiler_, source, target, key, shared).result, source, target));
  return *kernel;
}

}  // namespace nsajit::runtime
