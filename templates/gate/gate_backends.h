#pragma once
// Gate combine, by backend. Contracts as BackendFunctions has them. The baseline is a single pass too, one vector per
// thread: what a framework's compiler makes of three multiplications and two additions. Pure functions.

#include "templates/common/backend_op.h"

namespace nsajit::templates::gate {

// The variant, on both backends.
inline constexpr const char* kGateRows = "gate_rows";

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

}  // namespace nsajit::templates::gate
