#pragma once
// Candidates of FakeOp ready to run, and the workload that they run on.

#include "codegen/kernel_source.h"
#include "tests/support/fake_compiler.h"
#include "tests/support/fake_device.h"

namespace nsajit::testing {

inline Workload fake_workload() { return {.problem = {.dtype = DType::FP32}, .B = 2, .S = 70, .S_kv = 70, .G = 2, .n = 2}; }

inline Config fake_config(Fault fault) {
  return {.variant = "query_major", .values = {{"fault", static_cast<int>(fault)}, {"stages", 2}, {"tile", 32}}};
}

// As FakeCompiler makes it, without a unit: no embedded template is needed.
inline codegen::Binary fake_binary(const Config& config) {
  codegen::KernelSource source{.name = "fake", .entries = {"fake_" + config.variant}};
  source.fields.assign(config.values.begin(), config.values.end());
  FakeCompiler compiler;
  return std::get<codegen::Binary>(compiler.compile(source, fake_target()));
}

}  // namespace nsajit::testing
