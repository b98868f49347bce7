#pragma once
// Bench contenders: which kernels a benchmark times on a workload: what the dispatcher serves, the best known of each
// variant, the default, one config by name; packed SDPA always.

#include <string>
#include <vector>

#include "cache/cache.h"
#include "cli/bench_result.h"

namespace nsajit::cli {

// `choice`: "default", "cached", "all-variants", or the text of a config. Each config once, the baseline last.
// Throws Error{InvalidArgument} for a config that is not in the space.
std::vector<BenchEntry> pick_contenders(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache,
                                        const std::string& choice);

}  // namespace nsajit::cli
