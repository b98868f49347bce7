// Dispatcher: decision -> loaded kernel and launch plan.

#include "runtime/dispatcher.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/compile_once.h"
#include "runtime/kernel_key.h"
#include "runtime/stored_binary.h"

namespace nsajit::runtime {
namespace {

codegen::Binary require_binary(codegen::CompileResult result, const codegen::KernelSource& source, const Target& target) {
  if (auto* binary = std::get_if<codegen::Binary>(&result)) return std::move(*binary);
  const auto& failure = std::get<codegen::CompileFailure>(result);
  throw Error(ErrorCode::Compile,
              fmt::format("compile {} for {}: {}\n{}", source.name, arch_name(target), failure.reason, failure.log));
}

}  // namespace

Dispatcher::Dispatcher(Device& device, codegen::Compiler& compiler, cache::Cache& cache, const Toggles& toggles)
    : device_(device), compiler_(compiler), cache_(cache), toggles_(toggles), log_(toggles), generation_(cache.generation()) {}

Dispatcher::~Dispatcher() = default;

BoundKernel Dispatcher::find(const Workload& workload) {
  if (const auto known = found_.find(workload); known != found_.end()) return known->second;
  return found_.emplace(workload, bind(workload)).first->second;
}

BoundKernel Dispatcher::bind(const Workload& workload) {
  validate(workload);
  const Problem& problem = workload.problem;
  const Op& op = find_op(problem);
  const Target& target = device_.target();
  const TupleWinners& tuple = read_tuple(op, problem);
  Route route = choose_route(op, workload, target, decide(op, workload, target, tuple), toggles_);
  log_.write(workload, route);
  BoundKernel bound{.decision = std::move(route.decision)};
  const auto take = [&](const Config& config) {
    bound.plan = op.plan(workload, config, target);
    bound.kernel = &load(op, problem, config);
  };
  const Config& baseline = tuple.baseline;
  try {
    take(bound.decision.config);
  } catch (const Error& error) {
    // A winner that no longer compiles or loads (another toolchain, another driver), or that cannot be launched at these
    // sizes (tuned at others), must not stop the caller.
    if (bound.decision.config == baseline || error.code() == ErrorCode::Frozen) throw;
    log_warn(fmt::format("{}: served by packed SDPA instead: {}", to_string(bound.decision.config), error.what()));
    bound.decision = {
        .config = baseline, .baseline = baseline, .why = fmt::format("the stored winner cannot be used: {}", error.what())};
    take(baseline);
  }
  return bound;
}

BoundKernel Dispatcher::bind_baseline(const Workload& workload) {
  validate(workload);
  const Op& op = find_op(workload.problem);
  const Config& baseline = read_tuple(op, workload.problem).baseline;
  return {.decision = {.config = baseline, .baseline = baseline, .why = "packed SDPA was asked for"},
          .plan = op.plan(workload, baseline, device_.target()),
          .kernel = &load(op, workload.problem, baseline)};
}

const TupleWinners& Dispatcher::read_tuple(const Op& op, const Problem& problem) {
  const auto known = tuples_.find(problem);
  if (known != tuples_.end()) return known->second;
  return tuples_.emplace(problem, read_winners(op, problem, device_.target(), cache_)).first->second;
}

bool Dispatcher::refresh() {
  const std::int64_t generation = cache_.generation();
  if (generation == std::exchange(generation_, generation)) return false;
  tuples_.clear();
  found_.clear();
  return true;
}

const Kernel& Dispatcher::load(const Op& op, const Problem& problem, const Config& config) {
  // The key of a kernel digests its whole source; a config of a tuple needs that once.
  const auto [known, is_new] = kernels_.try_emplace({problem, config}, nullptr);
  if (is_new) {
    try {
      known->second = &load_by_key(op, problem, config);
    } catch (...) {
      kernels_.erase(known);
      throw;
    }
  }
  return *known->second;
}

const Kernel& Dispatcher::load_by_key(const Op& op, const Problem& problem, const Config& config) {
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
