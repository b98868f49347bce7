#pragma once
// FakeOp: a small causal operation (running sum over the sequence) behind the Op interface, so that the
// tuner and the dispatcher are tested without a compiler or a device. Pairs with FakeCompiler and FakeDevice.
// The config's value "fault" makes the kernel go wrong in a named way.

#include <cstdint>
#include <string>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::testing {

// What a kernel of FakeDevice does wrong: the config value "fault".
enum class Fault : int {
  None = 0,
  NanRow,          // one element of a middle row is NaN
  Stale,           // writes nothing
  LastRowMissing,  // leaves the last row out
  OffByOne,        // drops the row's own position (the causal edge)
  WritesPastEnd,   // overwrites what lies behind the output
  WritesInput,     // changes q
  LooksAhead,      // adds the next position
  Unsteady,        // two runs differ
  IllegalAccess,   // launch succeeds, synchronize fails from then on
  LaunchRefused,   // launch throws
  OutOfMemory,     // launch throws as an allocation would
  Hang,            // launch sleeps for ten minutes
  Crash,           // launch ends the process
  CompileError,    // FakeCompiler refuses it
};

struct FakeArgs {
  float* q = nullptr;   // [B,S,G,4]; not const: Fault::WritesInput
  float* o = nullptr;   // [B,S,G,4]
  std::int64_t B = 1, S = 1, G = 1;
};

inline constexpr std::int64_t kFakeWidth = 4;
inline constexpr std::int64_t kFakeLongest = std::int64_t{1} << 24;   // query_major's plan refuses more keys

// Configs: query_major{fault,stages,tile} with tile 16, 32, 64 and stages 1..3 ("tile 64 has no stage 3"), and
// the baseline packed_sdpa{fault,stages,tile}. `faults`: values of "fault" that the space offers.
class FakeOp final : public Op {
 public:
  explicit FakeOp(std::vector<Fault> faults = {Fault::None}, std::string_view threshold = "NSA_SEL_TRITON_MIN_L")
      : faults_(std::move(faults)), threshold_(threshold) {}

  std::string_view name() const override { return "selection"; }
  bool supports(const Problem& problem) const override { return problem.branch == Branch::Selection; }
  SearchSpace space(const Problem& problem, const Target& target) const override;
  Config default_config(const Problem& problem, const Target& target) const override;
  Config baseline_config(const Problem& problem, const Target& target) const override;
  Unit unit(const Problem& problem, const Config& config, const Target& target) const override;
  // One step: grid[0] * block[0] >= rows, block[0] = tile, smem_bytes = selected tokens per row.
  LaunchPlan plan(const Workload& workload, const Config& config, const Target& target) const override;
  std::vector<TensorSpec> tensors(const Workload& workload) const override;   // q, o
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors,
                                   void* workspace) const override;
  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;   // q
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;
  std::string_view threshold_name(const Problem&) const override { return threshold_; }
  std::int64_t threshold_length(const Workload& workload) const override;
  std::vector<Workload> threshold_ladder(const Workload& workload) const override;
  Work work(const Workload& workload) const override;

 private:
  std::vector<Fault> faults_;
  std::string_view threshold_;  // empty: the operation has none
};

}  // namespace nsajit::testing
