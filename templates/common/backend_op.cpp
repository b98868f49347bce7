// BackendOp: checks, then asks the backend of the target.

#include "templates/common/backend_op.h"

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/sequences.h"

namespace nsajit::templates {

bool BackendOp::supports(const Problem& problem) const { return problem.branch == branch_ && problem.pass == Pass::Forward; }

SearchSpace BackendOp::space(const Problem& problem, const Target& target) const {
  return backend(problem, target).space(problem, target);
}
Config BackendOp::default_config(const Problem& problem, const Target& target) const {
  return backend(problem, target).default_config(problem, target);
}
Config BackendOp::baseline_config(const Problem& problem, const Target& target) const {
  return backend(problem, target).baseline_config(problem, target);
}
Unit BackendOp::unit(const Problem& problem, const Config& config, const Target& target) const {
  return backend(problem, target).unit(problem, config, target);
}
LaunchPlan BackendOp::plan(const Workload& workload, const Config& config, const Target& target) const {
  validate(workload);
  check_packed_lengths(name_, workload);
  return backend(workload.problem, target).plan(workload, config, target);
}

void BackendOp::check_problem(const Problem& problem) const {
  validate(problem);
  if (!supports(problem))
    throw Error(ErrorCode::Unsupported, fmt::format("{} of \"{}\": only the forward pass is built", name_, to_string(problem)));
}

const BackendFunctions& BackendOp::backend(const Problem& problem, const Target& target) const {
  check_problem(problem);
  return target.backend == Backend::Cuda ? cuda_ : cpu_;
}

}  // namespace nsajit::templates
