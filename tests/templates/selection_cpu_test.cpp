// The CPU templates, built natively, against the oracle: every output written, none wrong, scratch as announced.

#include <algorithm>
#include <cmath>

#include <catch2/catch_all.hpp>

#include "templates/common/host_elements.h"
#include "tests/templates/fields_config.h"
#include "tests/templates/native_case.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

// The gate's rule on the largest error; eps as small as the storage type allows.
std::string find_mismatch(const Op& op, const ParityCase& spec, const Reference& reference, const NativeRun& run,
                          std::size_t output) {
  const HostTensor& tensor = run.outputs[output];
  double error = 0, allowed = 0;
  std::size_t at = 0;
  for (const std::int64_t row : reference.rows) {
    const Op::RowSlice slice = op.output_row(spec.workload, tensor.spec.name, row);
    for (std::int64_t i = slice.begin; i < slice.begin + slice.count; ++i, ++at) {
      const double expected = reference.oracle[output][at];
      const double got = templates::load_element(tensor.data.data(), tensor.spec.type, i);
      if (got == expected) continue;
      if (!std::isfinite(got)) return tensor.spec.name + " is not finite at row " + std::to_string(row);
      error = std::max(error, std::abs(got - expected));
      allowed = std::max(allowed, std::abs(reference.same_dtype[output][at] - expected));
    }
  }
  const double eps = tensor.spec.type == ElementType::FP32 ? 1e-6 : 1e-4;
  if (error <= 2 * allowed + eps) return "";
  return tensor.spec.name + " differs by " + std::to_string(error) + ", allowed " + std::to_string(2 * allowed + eps);
}

std::string check_case(const NativeCase& native, const ParityCase& spec) {
  const Op& op = find_op(spec.workload.problem);
  const std::vector<HostTensor> inputs = op.make_inputs(spec.workload, spec.recipe);
  const NativeRun run = run_native(native, spec.workload, inputs);
  if (!run.scratch_intact) return "wrote behind its scratch";
  const Reference reference = op.reference(spec, inputs);
  const std::string mismatch = find_mismatch(op, spec, reference, run, 0);
  return mismatch.empty() ? find_mismatch(op, spec, reference, run, 1) : mismatch;
}

std::vector<ParityCase> cases_of(const NativeCase& native) {
  Workload workload{.problem = parse_problem(native.problem), .B = 2, .S = 131, .S_kv = 331, .G = 3};
  workload.n = std::min(workload.problem.n_sel, 3);
  if (workload.problem.layout == Layout::Varlen) workload.S = workload.S_kv;
  return find_op(workload.problem).parity_cases(workload);
}

// A row that selects more tokens than n blocks hold: the packed variant has to gather it in pieces.
ParityCase whole_sequence_case(const Problem& problem) {
  Workload workload{.problem = problem, .B = 1, .S = 3, .S_kv = 3 * problem.n_sel * problem.l_sel + 5, .G = 1, .n = 1};
  return {.name = "whole sequence", .workload = workload, .recipe = {}, .sampled_rows = 0};
}

std::string check_whole_sequence(const NativeCase& native) {
  const ParityCase spec = whole_sequence_case(parse_problem(native.problem));
  if (spec.workload.problem.input == SelectionInput::Blocks || spec.workload.problem.layout == Layout::Varlen) return "";
  const Op& op = find_op(spec.workload.problem);
  std::vector<HostTensor> inputs = op.make_inputs(spec.workload, spec.recipe);
  auto* ranges = reinterpret_cast<std::int32_t*>(inputs[3].data.data());
  for (int row = 0; row < 3; ++row) ranges[2 * row] = 0, ranges[2 * row + 1] = 2147483647;
  const Reference reference = op.reference(spec, inputs);
  return find_mismatch(op, spec, reference, run_native(native, spec.workload, inputs), 0);
}

}  // namespace

TEST_CASE("every natively built CPU kernel agrees with the oracle on every parity case") {
  for (const NativeCase& native : native_cases())
    for (const ParityCase& spec : cases_of(native)) {
      INFO(native.problem << " " << native.config << ": " << spec.name);
      CHECK(check_case(native, spec) == "");
    }
}

TEST_CASE("a row longer than all its blocks together is still attended to whole") {
  for (const NativeCase& native : native_cases()) {
    INFO(native.problem << " " << native.config);
    CHECK(check_whole_sequence(native) == "");
  }
}

TEST_CASE("two runs of the CPU kernel give the same bits") {
  const NativeCase native = native_cases().front();
  const ParityCase spec = cases_of(native)[3];
  const std::vector<HostTensor> inputs = find_op(spec.workload.problem).make_inputs(spec.workload, spec.recipe);
  const NativeRun once = run_native(native, spec.workload, inputs), again = run_native(native, spec.workload, inputs);
  CHECK(once.outputs[0].data == again.outputs[0].data);
  CHECK(once.outputs[1].data == again.outputs[1].data);
}
