// Native case: the table that CMake writes, and a one-thread launch of its entries.

#include "tests/templates/native_case.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "tests/templates/fields_config.h"

extern "C" {
#define NATIVE_CASE(number, problem, config) void native_case_##number(const nsajit_selection_args*, long long, long long, void*);
#include "native_cases.inc"
#undef NATIVE_CASE
}

namespace nsajit::templates_test {
namespace {

constexpr std::byte kPoison{0xff};  // NaN in every floating-point type
constexpr std::size_t kGuard = 4096;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::vector<HostTensor> make_outputs(const Op& op, const Workload& workload) {
  std::vector<HostTensor> outputs;
  for (const TensorSpec& spec : op.tensors(workload))
    if (spec.output)
      outputs.push_back({.spec = spec, .data = std::vector<std::byte>(static_cast<std::size_t>(spec.bytes()), kPoison)});
  return outputs;
}

}  // namespace

std::vector<NativeCase> native_cases() {
  return {
#define NATIVE_CASE(number, problem, config) {problem, config, native_case_##number},
#include "native_cases.inc"
#undef NATIVE_CASE
  };
}

NativeRun run_native(const NativeCase& native, const Workload& workload, const std::vector<HostTensor>& inputs) {
  const Op& op = find_op(workload.problem);
  NativeRun run{.outputs = make_outputs(op, workload)};
  std::vector<void*> addresses;
  auto input = inputs.begin();
  auto output = run.outputs.begin();
  for (const TensorSpec& spec : op.tensors(workload))
    addresses.push_back(spec.output ? (output++)->data.data() : const_cast<std::byte*>((input++)->data.data()));
  const std::vector<std::byte> args = op.arguments(workload, addresses, nullptr);
  const LaunchPlan plan = op.plan(workload, fields_config(workload.problem, native.config), cpu_target(16));
  const LaunchStep& step = plan.steps.front();
  const std::unique_ptr<std::byte, Free> scratch(static_cast<std::byte*>(std::aligned_alloc(64, step.smem_bytes + kGuard)));
  std::fill_n(scratch.get(), step.smem_bytes + kGuard, kPoison);
  for (long long task = 0; task < step.grid[0]; ++task)
    native.entry(reinterpret_cast<const nsajit_selection_args*>(args.data()), task * step.block[0], (task + 1) * step.block[0],
                 scratch.get());
  const std::byte* guard = scratch.get() + step.smem_bytes;
  run.scratch_intact = std::all_of(guard, guard + kGuard, [](std::byte b) { return b == kPoison; });
  return run;
}

}  // namespace nsajit::templates_test
