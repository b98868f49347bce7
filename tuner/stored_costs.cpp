// Stored costs: one landscape per workload, of the configs that were measured for it.

#include "tuner/stored_costs.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "nsajit/error.h"
#include "tuner/candidates.h"

namespace nsajit::tuner {
namespace {

constexpr std::size_t kMostSpaces = 32;  // the newest; a fit over more takes longer than it helps

struct StoredSpace {
  std::vector<Config> configs;
  std::vector<double> expected;
  std::vector<double> costs;
};

// A text that this build cannot read was written by another; it teaches nothing.
void add_trial(StoredSpace& space, const cache::TrialRecord& trial, const Op& op, const Target& target) {
  try {
    Config config = parse_config(trial.config);
    space.expected.push_back(expect_cost(op, parse_workload(trial.workload), config, target));
    space.configs.push_back(std::move(config));
    space.costs.push_back(trial.time_us);
  } catch (const Error&) { return; }
}

SpaceCosts make_space_costs(StoredSpace space) {
  SpaceCosts made;
  for (std::size_t i = 0; i < space.costs.size(); ++i) made.costs.emplace_back(i, space.costs[i]);
  made.landscape = std::make_shared<const Landscape>(make_landscape(space.configs, std::move(space.expected)));
  return made;
}

}  // namespace

CostPrior learn_from_stored(cache::Cache& cache, const Op& op, const Target& target, const Workload& workload) {
  const std::string own = to_string(workload), device = to_string(target);
  const auto trials = cache.trials();
  std::map<std::string, StoredSpace> spaces;
  for (auto trial = trials.rbegin(); trial != trials.rend(); ++trial) {
    const bool usable = trial->status == cache::TrialStatus::Measured && trial->time_us > 0 && !trial->baseline;
    if (!usable || trial->op != op.name() || trial->device != device || trial->workload == own) continue;
    if (spaces.size() == kMostSpaces && !spaces.contains(trial->workload)) continue;
    add_trial(spaces[trial->workload], *trial, op, target);
  }
  std::vector<SpaceCosts> taught;
  for (auto& [name, space] : spaces) taught.push_back(make_space_costs(std::move(space)));
  return fit_prior(taught);
}

}  // namespace nsajit::tuner
