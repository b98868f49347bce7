// Canonical tuples: what stands for a tuple offers the same configs and launches, whatever the operation never reads of it. That
// kernels built for it are right for the tuple is the gate's to say: dense_cpu_test.cpp and its like.

#include <catch2/catch_all.hpp>

#include <array>

#include "nsajit/op.h"
#include "nsajit/problem.h"
#include "nsajit/workload.h"

namespace {

using namespace nsajit;

struct Change {
  const char* name;
  void (*apply)(Problem&);
};

constexpr std::array<Change, 9> kChanges{
    {{"dk", [](Problem& p) { p.dk = 64; }},
     {"dv", [](Problem& p) { p.dv = 64; }},
     {"l and d", [](Problem& p) { p.l = 48, p.d = 24, p.l_sel = 96; }},
     {"l", [](Problem& p) { p.l = 64; }},
     {"l_sel", [](Problem& p) { p.l_sel = 32; }},
     {"an l_sel that no usual stride divides", [](Problem& p) { p.l_sel = 24, p.l = 8, p.d = 8; }},
     {"n_sel", [](Problem& p) { p.n_sel = 8; }},
     {"input", [](Problem& p) { p.input = SelectionInput::Blocks; }},
     {"w", [](Problem& p) { p.w = 96; }}}};

std::vector<Problem> changed_tuples(const Op& op) {
  Problem usual{.branch = parse_branch(op.name()), .group = 4};
  std::vector<Problem> tuples{usual};
  for (const Change& change : kChanges) {
    tuples.push_back(usual);
    change.apply(tuples.back());
  }
  return tuples;
}

std::vector<std::uint32_t> launches(const LaunchPlan& plan) {
  std::vector<std::uint32_t> numbers;
  for (const LaunchStep& step : plan.steps) {
    numbers.insert(numbers.end(), step.grid.begin(), step.grid.end());
    numbers.insert(numbers.end(), step.block.begin(), step.block.end());
    numbers.push_back(step.smem_bytes);
  }
  return numbers;
}

void require_same_choices(const Op& op, const Problem& problem, const Target& target) {
  const Problem kept = op.canonical(problem);
  const auto configs = op.space(problem, target).valid_configs();
  REQUIRE(configs == op.space(kept, target).valid_configs());
  CHECK(op.default_config(problem, target) == op.default_config(kept, target));
  CHECK(op.baseline_config(problem, target) == op.baseline_config(kept, target));
  const int rows = problem.branch == Branch::Decode ? 1 : 2048;
  const Workload workload{.problem = problem, .S = rows, .S_kv = 4096, .G = 2, .n = problem.n_sel};
  for (const Config& config : configs)
    REQUIRE(launches(op.plan(workload, config, target)) == launches(op.plan(canonical(op, workload), config, target)));
}

}  // namespace

TEST_CASE("what stands for a tuple is possible, stands for itself and offers the same configs and launches") {
  const Op* op = GENERATE(from_range(all_ops().begin(), all_ops().end()));
  for (const Problem& problem : changed_tuples(*op)) {
    INFO(to_string(problem));
    const Problem kept = op->canonical(problem);
    CHECK_NOTHROW(validate(kept));
    CHECK(op->canonical(kept) == kept);
    require_same_choices(*op, problem, cuda_profile("90a"));
  }
}

TEST_CASE("fields that an operation never reads do not tell its tuples apart") {
  const auto kept = [](const char* text) {
    const Workload workload = parse_workload(text);
    return canonical(find_op(workload.problem), workload);
  };
  CHECK(kept("selection,w=64,l=64,d=32;S=2048") == kept("selection;S=2048"));
  CHECK(kept("sliding,l=8,d=8,l_sel=24,n_sel=3,blocks;S=2048") == kept("sliding;S=2048"));
  CHECK(kept("compressed,w=1,n_sel=3;S=2048") == kept("compressed;S=2048"));
  CHECK(kept("scoring,w=1,dv=64;S=2048") == kept("scoring;S=2048"));
  CHECK(kept("gate,dk=64,w=1,n_sel=3;S=2048") == kept("gate;S=2048"));
  CHECK(kept("pooling,w=1,n_sel=3;S=2048") == kept("pooling;S=2048"));
}

TEST_CASE("fields that an operation reads tell its tuples apart") {
  const auto kept = [](const char* text) {
    const Problem problem = parse_problem(text);
    return find_op(problem).canonical(problem);
  };
  CHECK(kept("selection,n_sel=8") != kept("selection"));
  CHECK(kept("selection,blocks") != kept("selection"));
  CHECK(kept("sliding,w=64") != kept("sliding"));
  CHECK(kept("compressed,l=64") != kept("compressed"));
  CHECK(kept("scoring,l_sel=128") != kept("scoring"));
  CHECK(kept("gate,dv=64") != kept("gate"));
  CHECK(kept("pooling,d=32") != kept("pooling"));
}
