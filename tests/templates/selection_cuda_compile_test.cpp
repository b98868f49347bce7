// The CUDA kernels of selection compiled for every SM, without a GPU. Without NVRTC the cases say so and end.

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "tests/templates/gated_kernels.h"
#include "tests/templates/spread_tuples.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

constexpr const char* kArchs[] = {"80", "86", "89", "90a", "100", "120"};

enum class Spills { Allowed, Fail };

// What does not compile, or spills, a line each.
std::string find_compile_failures(const std::vector<Candidate>& candidates, Spills spills) {
  const auto compiler = find_cuda_compiler();
  if (!compiler) return "";
  const std::vector<codegen::CompileResult> results = compile_all(candidates, *compiler);
  std::string failures;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto* failure = std::get_if<codegen::CompileFailure>(&results[i]);
    if (failure) failures += to_string(candidates[i]) + ": " + failure->reason + "\n";
    if (failure || spills == Spills::Allowed) continue;
    const int bytes = spilled_bytes(std::get<codegen::Binary>(results[i]));
    if (bytes > 0) failures += to_string(candidates[i]) + ": spills " + std::to_string(bytes) + " bytes\n";
  }
  return failures;
}

std::vector<Candidate> default_candidates(std::span<const char* const> tuples) {
  std::vector<Candidate> candidates;
  for (const char* arch : kArchs)
    for (const char* tuple : tuples) {
      const Problem problem = parse_problem(tuple);
      const Target target = cuda_profile(arch);
      candidates.push_back({problem, find_op(problem).default_config(problem, target), target});
    }
  return candidates;
}

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
  CHECK(find_compile_failures(default_candidates(kUserTuples), Spills::Fail) == "");
}

TEST_CASE("every CUDA variant compiles on a spread of tuples and SMs", "[selection][slow]") {
  CHECK(find_compile_failures(spread_candidates(), Spills::Allowed) == "");
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
