#pragma once
// Selection, by backend: the search space, the two configs that always exist, the compilation unit and the launch
// shape. Twins: selection_cuda_space.cpp, selection_cpu_space.cpp; SelectionOp picks one by Target::backend.
// Pure functions, safe to call from any thread.

#include "nsajit/config.h"
#include "nsajit/launch_plan.h"
#include "nsajit/op.h"
#include "nsajit/search_space.h"
#include "nsajit/target.h"
#include "nsajit/workload.h"
#include "templates/common/backend_op.h"

namespace nsajit::templates {

// Variant name of configs, the same on every backend.
inline constexpr const char* kQueryMajor = "query_major";

// Requires everywhere: a validated selection forward problem. A (problem, target) that the backend cannot serve
// throws Error{Unsupported} that says what is missing.
SearchSpace cuda_space(const Problem& problem, const Target& target);
Config cuda_default_config(const Problem& problem, const Target& target);
Config cuda_baseline_config(const Problem& problem, const Target& target);
// Requires: `config` is in the space, or the baseline's.
Unit cuda_unit(const Problem& problem, const Config& config, const Target& target);
LaunchPlan cuda_plan(const Workload& workload, const Config& config, const Target& target);

SearchSpace cpu_space(const Problem& problem, const Target& target);
Config cpu_default_config(const Problem& problem, const Target& target);
Config cpu_baseline_config(const Problem& problem, const Target& target);
Unit cpu_unit(const Problem& problem, const Config& config, const Target& target);
LaunchPlan cpu_plan(const Workload& workload, const Config& config, const Target& target);

}  // namespace nsajit::templates
