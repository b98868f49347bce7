// Canonical workloads: see the header.

#include "cli/canonical_workloads.h"

#include <algorithm>

#include "nsajit/op.h"

namespace nsajit::cli {

std::vector<Workload> canonical_workloads(const std::vector<Workload>& workloads) {
  std::vector<Workload> kept;
  for (const Workload& workload : workloads) {
    const Op& op = find_op(workload.problem);
    const Workload one = canonical(op, workload);
    op.tensors(one);  // throws for sizes that it has no launch for
    if (std::find(kept.begin(), kept.end(), one) == kept.end()) kept.push_back(one);
  }
  return kept;
}

}  // namespace nsajit::cli
