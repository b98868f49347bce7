// CUDA search: the candidates in the engine's order, the default first, dealt by the product's own strategy.

#include "tests/mutants/cuda_search.h"

#include <cstdint>

#include <fmt/format.h>

#include "nsajit/op.h"
#include "nsajit/workload.h"
#include "tuner/strategy.h"

namespace nsajit::testing {
namespace {

constexpr std::uint64_t kSeed = 1;

}  // namespace

std::string search_flags(const std::string& tuple, const SearchOrder& search) {
  return fmt::format("--device cuda --problem '{}' --strategy {} --seed {} --max-trials {}", tuple, search.strategy, kSeed,
                     search.trials);
}

std::vector<Config> tried_configs(const std::string& tuple, const SearchOrder& search) {
  const Problem problem = parse_workload(tuple).problem;
  const Target target = cuda_profile("90a");
  const Op& op = find_op(problem);
  std::vector<Config> offered{op.default_config(problem, target)};
  for (const Config& config : op.space(problem, target).valid_configs())
    if (config != offered.front()) offered.push_back(config);
  const auto strategy = tuner::make_strategy(
      search.strategy, {.candidates = offered.size(), .first = 0, .max_trials = search.trials, .seed = kSeed});
  std::vector<Config> tried;
  while (const auto next = strategy->next()) tried.push_back(offered[next->candidate]);
  tried.push_back(op.baseline_config(problem, target));
  return tried;
}

}  // namespace nsajit::testing
