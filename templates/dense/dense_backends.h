#pragma once
// Dense attention, by backend: the search space, the two configs that always exist, the compilation unit and the launch
// shape, for the sliding and the compressed branch alike. Contracts as BackendFunctions has them. Pure functions.

#include "templates/common/backend_op.h"

namespace nsajit::templates::dense {

// Variant of the CPU: several neighbouring queries read their keys together.
inline constexpr const char* kQueryTile = "query_tile";

SearchSpace cuda_space(const Problem& problem, const Target& target);
Config cuda_default_config(const Problem& problem, const Target& target);
Config cuda_baseline_config(const Problem& problem, const Target& target);
Unit cuda_unit(const Problem& problem, const Config& config, const Target& target);
LaunchPlan cuda_plan(const Workload& workload, const Config& config, const Target& target);

SearchSpace cpu_space(const Problem& problem, const Target& target);
Config cpu_default_config(const Problem& problem, const Target& target);
Config cpu_baseline_config(const Problem& problem, const Target& target);
Unit cpu_unit(const Problem& problem, const Config& config, const Target& target);
LaunchPlan cpu_plan(const Workload& workload, const Config& config, const Target& target);

}  // namespace nsajit::templates::dense
