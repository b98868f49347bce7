// Canonical workloads: see the header.

#include "cli/canonical_workloads.h"

#include <algorithm>

#include "nsajit/op.h"

namespace nsajit::cli {

std::vector<Workload> canonical_workloads(const std::vector<Workload>& workloads) {
  std::vector<Workload> kept;
  for (const Workload& workload : workloads) {
    const Workload one = canonical(find_op(workload.problem), workload);
    if (std::find(kept.begin(), kept.end(), one) == kept.end()) kept.push_back(one);
  }
  return kept;
}

}  // namespace nsajit::cli
