#pragma once
// Scoring, by backend.

#include "templates/common/backend_op.h"

namespace nsajit::templates::scoring {

// Variant of the CPU: neighbouring queries read the compressed keys together.
inline constexpr const char* kTopN = "top_n";

SearchSpace cpu_space(const Problem& problem, const Target& target);
Config cpu_default_config(const Problem& problem, const Target& target);
// The same sums on keys that are packed first, and ranges formed entry by entry.
Config cpu_baseline_config(const Problem& problem, const Target& target);
Unit cpu_unit(const Problem& problem, const Config& config, const Target& target);
LaunchPlan cpu_plan(const Workload& workload, const Config& config, const Target& target);

// Two kernels: score_wgmma (SM 90a) and score_mma.
extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;

}  // namespace nsajit::templates::scoring
