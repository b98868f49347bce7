// Dense contender: what sliding was tuned to, the built-in default and what the model expects most of, timed.

#include "cli/dense_contender.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "runtime/call_arguments.h"
#include "tuner/candidates.h"
#include "tuner/measure.h"

namespace nsajit::cli {
namespace {

std::span<const std::byte> as_bytes(const nsajit_dense_args& args) { return std::as_bytes(std::span(&args, 1)); }

std::optional<Config> find_expected_best(const Op& op, const Workload& workload, const SearchSpace& space, const Target& target) {
  std::optional<Config> best;
  double least = std::numeric_limits<double>::max();
  for (const Config& config : space.valid_configs()) {
    const double expected = tuner::expect_cost(op, workload, config, target);
    if (expected > 0 && expected < least) best = config, least = expected;
  }
  return best;
}

std::vector<Config> pick_configs(const Op& op, const Workload& workload, int own_window, const Target& target,
                                 StoredDecisions& decisions) {
  const SearchSpace space = op.space(workload.problem, target);
  std::vector<Config> configs{op.default_config(workload.problem, target)};
  const auto add = [&](const Config& config) {
    const bool known = std::find(configs.begin(), configs.end(), config) != configs.end();
    if (!known && !space.find_violation(config)) configs.push_back(config);
  };
  Workload sliding = workload;
  sliding.problem.w = own_window;
  for (const Workload& tuned : {workload, sliding}) {
    const auto decision = decisions.find(op, tuned, target);
    if (decision.match) add(decision.match->config);
  }
  if (const auto expected = find_expected_best(op, workload, space, target)) add(*expected);
  return configs;
}

}  // namespace

runtime::Decision StoredDecisions::find(const Op& op, const Workload& workload, const Target& target) {
  auto tuple = tuples_.find(workload.problem);
  if (tuple == tuples_.end())
    tuple = tuples_.emplace(workload.problem, runtime::read_winners(op, workload.problem, target, cache_)).first;
  return runtime::decide(op, workload, target, tuple->second);
}

DenseContender::DenseContender(ConfigKernels& kernels, StoredDecisions& decisions, const nsajit_forward_call& call,
                               std::int64_t longest) {
  runtime::Device& device = kernels.device();
  nsajit_call dense{};
  dense.struct_bytes = sizeof dense;
  dense.q = call.q, dense.k = call.k_win, dense.v = call.v_win, dense.o = call.o;
  dense.sparsity = call.sparsity;
  dense.sparsity.w = static_cast<std::int32_t>(longest);
  dense.scale = call.scale;
  const auto prepared = runtime::prepare_sliding(dense, device.target(), runtime::CallUse::Launch);
  workload_ = prepared.workload, args_ = prepared.args;
  op_ = &find_op(workload_.problem);

  std::vector<Built> built;
  std::vector<tuner::Contender> contenders;
  const std::vector<Config> configs = pick_configs(*op_, workload_, call.sparsity.w, device.target(), decisions);
  kernels.prepare(*op_, workload_.problem, configs);
  for (const Config& config : configs) {
    built.push_back(build(kernels, config));
    const auto args = as_bytes(built.back().args);
    contenders.push_back({.kernel = built.back().kernel, .plan = built.back().plan, .args = {args.begin(), args.end()}});
  }
  std::size_t fastest = 0;
  if (built.size() > 1) {
    const auto timings = tuner::measure_interleaved(device, contenders, {.warmup = 1, .rounds = 3});
    const auto least = std::min_element(timings.begin(), timings.end(), [](const tuner::Timing& a, const tuner::Timing& b) {
      return a.summary.median < b.summary.median;
    });
    fastest = static_cast<std::size_t>(least - timings.begin());
  }
  fastest_ = std::move(built[fastest]);
}

DenseContender::Built DenseContender::build(ConfigKernels& kernels, const Config& config) const {
  Built built{.config = config,
              .plan = op_->plan(workload_, config, kernels.device().target()),
              .kernel = &kernels.get(*op_, workload_.problem, config),
              .args = args_};
  if (built.plan.workspace_bytes > 0) {
    built.workspace = kernels.device().allocate(built.plan.workspace_bytes);
    built.args.workspace = built.workspace->address();
  }
  return built;
}

void DenseContender::launch(runtime::Stream stream) const {
  fastest_.kernel->launch(fastest_.plan, as_bytes(fastest_.args), stream);
}

}  // namespace nsajit::cli
