// Wrong CPU kernels through the whole product: none of them may be measured, and none may win.

#include <catch2/catch_all.hpp>

#include "tests/mutants/mutant_templates.h"
#include "tests/mutants/verdict.h"

using namespace nsajit::testing;

namespace {

std::string search_flags(const std::string& tuple) { return "--device cpu --max-trials 3 --problem '" + tuple + "'"; }

std::vector<std::string> objections_to(const Mutant& mutant) {
  const TemporaryFolder templates;
  write_cpu_templates(templates.path(), mutant.edit);
  const TuningOutcome outcome = tune_with(templates.path(), search_flags(mutant.tuple));
  print_verdict("cpu", mutant, outcome);
  return find_objections(mutant, outcome);
}

}  // namespace

TEST_CASE("an edit whose pattern is gone or occurs twice is refused") {
  CHECK(apply_edit("a = b;", {"f", "b", "c"}) == "a = c;");
  CHECK_THROWS_WITH(apply_edit("a = b;", {"f", "d", "c"}), Catch::Matchers::Contains("does not occur"));
  CHECK_THROWS_WITH(apply_edit("b = b;", {"f", "b", "c"}), Catch::Matchers::Contains("more than once"));
  CHECK_THROWS_WITH(apply_edit("a = b;", {"f", "b", "b"}), Catch::Matchers::Contains("changes nothing"));
}

TEST_CASE("every CPU mutant still changes its template") {
  for (const Mutant& mutant : cpu_mutants()) CHECK_NOTHROW(apply_edit(read_cpu_template(mutant.edit.file), mutant.edit));
}

TEST_CASE("CPU templates from a folder, left as they are, are measured and win") {
  const TemporaryFolder templates;
  write_cpu_templates(templates.path(), std::nullopt);
  const TuningOutcome outcome = tune_with(templates.path(), search_flags(cpu_mutants().front().tuple));
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.failed_parity.empty());
  CHECK(outcome.winners.size() == 1);
}

TEST_CASE("every wrong CPU kernel is rejected with a reason and none is in the cache", "[slow]") {
  const Mutant& mutant = GENERATE(from_range(cpu_mutants()));
  INFO(mutant.name);
  CHECK(objections_to(mutant) == std::vector<std::string>{});
}
