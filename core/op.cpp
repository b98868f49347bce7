// Op: sizes of the tensors of a launch. The operations themselves are in templates/.
#include "nsajit/op.h"

#include <functional>
#include <numeric>

#include "core/assert.h"

namespace nsajit {

std::size_t element_bytes(ElementType type) {
  switch (type) {
    case ElementType::BF16:
    case ElementType::FP16: return 2;
    case ElementType::FP32:
    case ElementType::INT32: return 4;
  }
  NSAJIT_ASSERT(false, "every element type has a size");
  return 0;
}

std::int64_t TensorSpec::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

// An operation that never reads how many blocks a tuple selects does not read how many a row selects either.
Workload canonical(const Op& op, Workload workload) {
  Problem other = workload.problem;
  ++other.n_sel;
  const Problem problem = op.canonical(workload.problem);
  if (op.canonical(other) == problem) workload.n = problem.n_sel;
  workload.problem = problem;
  return workload;
}

}  // namespace nsajit
