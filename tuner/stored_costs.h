#pragma once
// Stored costs: what the trials of other tuples and sizes on this device, as the cache keeps them, teach a search.

#include "cache/cache.h"
#include "nsajit/op.h"
#include "tuner/learned_cost.h"

namespace nsajit::tuner {

// Trials of `workload` itself are left out: the search meets them as candidates.
CostPrior learn_from_stored(cache::Cache& cache, const Op& op, const Target& target, const Workload& workload);

}  // namespace nsajit::tuner
