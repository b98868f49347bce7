// The CUDA kernels of selection compiled for every SM, without a GPU. Without NVRTC the cases say so and end.

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "tests/templates/gated_kernels.h"
#include "tests/templates/spread_tuples.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

// Every tuple on one SM each, in turn.
std::vector<Candidate> spread_candidates() {
  std::vector<Candidate> candidates;
  std::size_t next = 0;
  for (const char* tuple : kSpreadTuples) {
    const Target target = cuda_profile(kArchs[next++ % std::size(kArchs)]);
    for (Candidate& candidate : choose_candidates(parse_problem(tuple), target, 1)) candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace

TEST_CASE("the default of every user's tuple compiles for every SM without spills", "[selection][slow]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  std::vector<Problem> problems;
  for (const char* tuple : kUserTuples) problems.push_back(parse_problem(tuple));
  CHECK(find_spilling(default_candidates(problems), *compiler) == "");
}

TEST_CASE("every CUDA variant compiles on a spread of tuples and SMs", "[selection][slow]") {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return;
  const std::vector<Candidate> candidates = spread_candidates();
  const std::vector<codegen::CompileResult> results = compile_all(candidates, *compiler);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto* failure = std::get_if<codegen::CompileFailure>(&results[i]);
    INFO(to_string(candidates[i]) << ": " << (failure == nullptr ? "compiles" : failure->reason));
    CHECK(failure == nullptr);
  }
}

TEST_CASE("every tuple of the spread has a default and a baseline on every SM", "[selection]") {
  for (const char* arch : kArchs)
    for (const char* tuple : kSpreadTuples) {
      INFO(tuple << " on " << arch);
      const Problem problem = parse_problem(tuple);
      const Op& op = find_op(problem);
      const Config config = op.default_config(problem, cuda_profile(arch));
      CHECK_FALSE(op.space(problem, cuda_profile(arch)).find_violation(config).has_value());
      CHECK_NOTHROW(op.baseline_config(problem, cuda_profile(arch)));
    }
}
