#pragma once
// Mean pooling, by backend. Contracts as BackendFunctions has them. The baseline sums l tokens for each compressed one, as
// an average pooling does that knows nothing of its overlapping windows. Pure functions.

#include "templates/common/backend_op.h"

namespace nsajit::templates::pooling {

inline constexpr const char* kPoolChunks = "pool_chunks";  // sums of d tokens are kept, l/d of them make a token
inline constexpr const char* kPoolTokens = "pool_tokens";  // l tokens are summed for each

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

}  // namespace nsajit::templates::pooling
