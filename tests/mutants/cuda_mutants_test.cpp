// Wrong CUDA kernels through the whole product. Without a GPU it is still checked that each of them can be made, that
// it compiles, and that the search of the test reaches every variant that it concerns.

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "codegen/compiler.h"
#include "codegen/embedded_templates.h"
#include "core/env.h"
#include "nsajit/op.h"
#include "tests/mutants/cuda_search.h"
#include "tests/mutants/mutant_templates.h"
#include "tests/mutants/verdict.h"

using namespace nsajit;
using namespace nsajit::testing;

namespace {

// One config for each form that a mutant concerns; fewer where the search does not reach one.
std::vector<Config> find_hits(const Mutant& mutant, const SearchOrder& search) {
  const std::vector<Config> tried = tried_configs(mutant.tuple, search);
  std::vector<Config> hit;
  for (const std::string& beginning : mutant.hits) {
    const auto found =
        std::ranges::find_if(tried, [&](const Config& config) { return to_string(config).starts_with(beginning); });
    if (found != tried.end()) hit.push_back(*found);
  }
  return hit;
}

// The shortest that meets all that the mutant concerns.
SearchOrder choose_search(const Mutant& mutant) {
  for (const SearchOrder& search : {kFew, kMixed})
    if (find_hits(mutant, search).size() == mutant.hits.size()) return search;
  return kLong;
}

std::vector<Config> hit_configs(const Mutant& mutant) { return find_hits(mutant, choose_search(mutant)); }

// Compiles the mutant for SM 90a; the compiler's answers where it refuses.
std::vector<std::string> compile_failures(const Mutant& mutant) {
  const TemporaryFolder templates;
  write_cuda_templates(templates.path(), mutant.edit);
  codegen::use_template_directory(templates.path());
  const Problem problem = parse_workload(mutant.tuple).problem;
  const Target target = cuda_profile("90a");
  const auto compiler = codegen::make_compiler(Backend::Cuda, Environment{});
  std::vector<std::string> failures;
  for (const Config& config : hit_configs(mutant)) {
    const auto result = compiler->compile(codegen::specialize(find_op(problem), problem, config, target), target);
    if (const auto* failure = std::get_if<codegen::CompileFailure>(&result))
      failures.push_back(to_string(config) + ": " + failure->log);
  }
  codegen::use_template_directory("");
  return failures;
}

std::vector<std::string> objections_to(const Mutant& mutant) {
  const TemporaryFolder templates;
  write_cuda_templates(templates.path(), mutant.edit);
  const TuningOutcome outcome = tune_with(templates.path(), search_flags(mutant.tuple, choose_search(mutant)));
  print_verdict("cuda", mutant, outcome);
  return find_objections(mutant, outcome);
}

std::vector<Mutant> mutants_of(const std::vector<Branch>& branches) {
  std::vector<Mutant> chosen;
  std::ranges::copy_if(cuda_mutants(), std::back_inserter(chosen), [&](const Mutant& mutant) {
    return std::ranges::find(branches, parse_workload(mutant.tuple).problem.branch) != branches.end();
  });
  return chosen;
}

void check_rejected(const std::vector<Mutant>& mutants) {
  for (const Mutant& mutant : mutants) {
    INFO(mutant.name);
    CHECK(objections_to(mutant) == std::vector<std::string>{});
  }
}

}  // namespace

TEST_CASE("every CUDA mutant still changes its template") {
  for (const Mutant& mutant : cuda_mutants()) {
    const auto text = codegen::find_embedded(mutant.edit.file);
    INFO(mutant.edit.file);
    REQUIRE(text);
    CHECK_NOTHROW(apply_edit(*text, mutant.edit));
  }
}

TEST_CASE("the search that a CUDA mutant is given reaches every form of kernel that it concerns") {
  for (const Mutant& mutant : cuda_mutants()) {
    INFO(mutant.name);
    CHECK(hit_configs(mutant).size() == mutant.hits.size());
  }
}

TEST_CASE("every CUDA mutant compiles", "[slow]") {
  const Mutant& mutant = GENERATE(from_range(cuda_mutants()));
  INFO(mutant.name);
  CHECK(compile_failures(mutant) == std::vector<std::string>{});
}

TEST_CASE("CUDA templates from a folder, left as they are, are measured and win", "[gpu]") {
  const TemporaryFolder templates;
  write_cuda_templates(templates.path(), std::nullopt);
  const TuningOutcome outcome = tune_with(templates.path(), search_flags(cuda_mutants().front().tuple, kMixed));
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.failed_parity.empty());
  CHECK(outcome.winners.size() == 1);
}

// A case for each branch, so that they can run beside each other.
TEST_CASE("every wrong CUDA kernel of selection is rejected with a reason and none is in the cache", "[gpu]") {
  check_rejected(mutants_of({Branch::Selection}));
}

TEST_CASE("every wrong CUDA kernel of scoring is rejected with a reason and none is in the cache", "[gpu]") {
  check_rejected(mutants_of({Branch::Scoring}));
}

TEST_CASE("every wrong CUDA kernel of the other branches is rejected with a reason and none is in the cache", "[gpu]") {
  check_rejected(mutants_of({Branch::Sliding, Branch::Compressed, Branch::Gate, Branch::Pooling, Branch::Decode}));
}

TEST_CASE("every CUDA mutant is of a branch whose wrong kernels are rejected") {
  CHECK(mutants_of({Branch::Selection, Branch::Scoring, Branch::Sliding, Branch::Compressed, Branch::Gate, Branch::Pooling,
                    Branch::Decode})
            .size() == cuda_mutants().size());
}
