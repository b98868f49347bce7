#pragma once
// Canonical workloads: what is tuned and looked up for a list of tuples: each as results of it are kept.

#include <vector>

#include "nsajit/workload.h"

namespace nsajit::cli {

// Those that differ in nothing their operation reads fall together. Throws Error{Unsupported} where no operation serves one.
std::vector<Workload> canonical_workloads(const std::vector<Workload>& workloads);

}  // namespace nsajit::cli
