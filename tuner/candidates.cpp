// Candidates: enumeration of the space, and the keys by which trials and searches are found again.

#include "tuner/candidates.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "nsajit/error.h"
#include "runtime/kernel_key.h"
#include "tuner/engine.h"

namespace nsajit::tuner {
namespace {

Candidate make_candidate(const Op& op, const Workload& workload, const Target& target, const codegen::CompilerIdentity& compiler,
                         const Config& config) {
  Candidate candidate{.config = config, .text = to_string(config)};
  candidate.source = codegen::specialize(op, workload.problem, config, target);
  candidate.trial_key = {
      .kernel = runtime::make_kernel_key(op, workload.problem, config, target, candidate.source, compiler),
      .workload = to_string(workload),
      .device = to_string(target),
      .driver_version = target.driver_version,
      .gate_version = kGateVersion,
      .measure_version = kMeasureVersion,
  };
  return candidate;
}

// Kernel digests rather than config texts: a template or compiler that changed makes another space.
std::string space_digest(const CandidateSet& set) {
  std::string text;
  for (const auto& candidate : set.offered) text += candidate.trial_key.kernel.digest() + "\n";
  return digest_text(text);
}

}  // namespace

CandidateSet make_candidates(const Op& op, const Workload& workload, const Target& target,
                             const codegen::CompilerIdentity& compiler) {
  const auto untuned = op.untuned_config(workload, target);
  const Config first = untuned ? *untuned : op.default_config(workload.problem, target);
  const Config baseline = op.baseline_config(workload.problem, target);
  auto configs = op.space(workload.problem, target).valid_configs();
  std::erase_if(configs, [&](const Config& config) { return config == first || config == baseline; });
  configs.insert(configs.begin(), first);

  CandidateSet set{.baseline = make_candidate(op, workload, target, compiler, baseline)};
  set.baseline.baseline = true;
  set.offered.reserve(configs.size());
  for (const auto& config : configs) set.offered.push_back(make_candidate(op, workload, target, compiler, config));
  return set;
}

double expect_cost(const Op& op, const Workload& workload, const Config& config, const Target& target) {
  try {
    const auto predicted = op.predict(workload, config, target);
    return predicted ? predicted->time_us : 0.0;
  } catch (const Error&) { return 0.0; }
}

Landscape make_landscape(const Op& op, const Workload& workload, const Target& target, const CandidateSet& set,
                         Modelled modelled) {
  std::vector<Config> configs;
  std::vector<double> expected;
  for (const Candidate& candidate : set.offered) {
    configs.push_back(candidate.config);
    if (modelled == Modelled::Modelled) expected.push_back(expect_cost(op, workload, candidate.config, target));
  }
  return make_landscape(configs, std::move(expected));
}

SearchKey make_search_key(const Op& op, const Workload& workload, const Target& target, const CandidateSet& set,
                          const TuneOptions& options) {
  SearchKey key;
  key.text = fmt::format("op={}\nworkload={}\ndevice={}\ndriver={}\nspace={}\nbaseline={}\n", op.name(), to_string(workload),
                         to_string(target), target.driver_version, space_digest(set), set.baseline.trial_key.kernel.digest());
  key.text += fmt::format("strategy={}\nmax_trials={}\nbudget_s={}\nseed={}\nfinalists={}\nrounds={}\ngate={}\nmeasure={}\n",
                          options.strategy, options.max_trials, options.budget_s, options.seed, options.finalists,
                          options.screening.rounds, kGateVersion, kMeasureVersion);
  key.digest = digest_text(key.text);
  return key;
}

}  // namespace nsajit::tuner
