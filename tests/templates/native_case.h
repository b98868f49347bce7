#pragma once
// Native case: a CPU template built ahead of time by the plain compiler for one problem and config, run on the host.

#include <vector>

#include "nsajit/op.h"
#include "nsajit/selection_args.h"

namespace nsajit::templates_test {

using NativeEntry = void (*)(const nsajit_selection_args*, long long, long long, void*);

struct NativeCase {
  const char* problem = "";
  const char* config = "";
  NativeEntry entry = nullptr;
};

std::vector<NativeCase> native_cases();

struct NativeRun {
  std::vector<HostTensor> outputs;  // o, lse; poisoned before the run
  bool scratch_intact = false;      // nothing written behind the scratch that the plan asks for
};

NativeRun run_native(const NativeCase& native, const Workload& workload, const std::vector<HostTensor>& inputs);

}  // namespace nsajit::templates_test
