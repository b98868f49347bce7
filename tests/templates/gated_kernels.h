#pragma once
// Gated kernels: candidates of many tuples, compiled side by side, then put through the parity gate on one device.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "codegen/compiler.h"
#include "core/env.h"
#include "nsajit/op.h"
#include "runtime/device.h"

namespace nsajit::templates_test {

struct Candidate {
  Problem problem;
  Config config;
  Target target;
};

std::string to_string(const Candidate& candidate);

// nullptr, with a warning, where NVRTC is missing.
std::unique_ptr<codegen::Compiler> find_cuda_compiler();

// Bytes that a thread's registers spill, of all entries.
int spilled_bytes(const codegen::Binary& binary);

// One SM of each kind that kernels are built for.
inline constexpr const char* kArchs[] = {"80", "86", "89", "90a", "100a", "120"};

// Of each problem the default on each of them.
std::vector<Candidate> default_candidates(std::span<const Problem> problems);
// The baseline of each problem on SM 90a.
std::vector<Candidate> baseline_candidates(std::span<const Problem> problems);

// The default and the baseline, then up to `per_variant` configs of each variant, spread evenly over its valid ones.
std::vector<Candidate> choose_candidates(const Problem& problem, const Target& target, std::size_t per_variant);

// One result per candidate, in order; on all hardware threads.
std::vector<codegen::CompileResult> compile_all(std::span<const Candidate> candidates, codegen::Compiler& compiler);

// Those that do not compile or whose registers spill, a line each.
std::string find_spilling(std::span<const Candidate> candidates, codegen::Compiler& compiler);

// Puts each candidate through the gate of `op`. Requires: all are of `workload`'s tuple. What failed, a line each; empty:
// all passed. A candidate that cannot be planned for some case at all (Error{Unsupported}) is left out.
std::string find_gate_failures(const Op& op, const Workload& workload, std::span<const Candidate> candidates,
                               codegen::Compiler& compiler, runtime::Device& device);

// The CPU backend, and its kernels of a workload through their operation's gate.
struct CpuGate {
  Environment environment = read_environment();
  std::unique_ptr<runtime::Device> device = runtime::make_device("cpu", environment);
  std::unique_ptr<codegen::Compiler> compiler = codegen::make_compiler(Backend::Cpu, environment);

  // As find_gate_failures.
  std::string gate(const char* text, std::size_t per_variant) const;
  // One launch of the default kernel on tensors of the test's own making; `args` is the argument struct.
  void launch(const Workload& workload, std::span<const std::byte> args) const;
};

}  // namespace nsajit::templates_test
