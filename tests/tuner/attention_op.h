#pragma once
// AttentionOp: a small but real selection attention (bf16 storage, log-sum-exp out) with a right host kernel and
// a choice of wrong ones, to show what the parity gate catches.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nsajit/op.h"
#include "tests/support/fake_op.h"

namespace nsajit::testing {

enum class Wrong {
  Nothing,
  NanRow,           // one element of a row outside the compared sample is NaN
  DropsOwnToken,    // off by one at the causal edge: row t stops before t
  DropsFirstToken,  // off by one at the start of the first range
  ReadsNextToken,   // off by one the other way: reads t + 1
  DropsLastBlock,
  SwapsHeads,
  LeavesRowsUnwritten,  // the last rows of every sequence
  WritesNothing,
  WritesPastEnd,
  WritesBeforeStart,
  ChangesInput,
  PeeksAhead,  // right within every tolerance, but the last bits depend on the next token
  Unsteady,    // right, but the last bits differ from run to run
  WrongScale,  // 1/dk in place of 1/sqrt(dk)
  LseBase2,
  LseZeroWhenEmpty,
  MeanWhenEmpty,   // an empty row gets the mean of V
  OneWrongRow,     // one row in thousands is 5 % too large
  NoMaximum,       // exp without subtracting the row's maximum
  AddsToOutput,    // o += result
  ReadsWorkspace,  // takes uninitialised workspace for zeros
  OverrunsWorkspace,
  WrongHeadOfValues,  // reads V of the other group
  BlurredSum,         // accumulates in bf16
  IgnoresSelection,   // attends to everything causal
};

struct AttentionArgs {
  std::uint16_t *q = nullptr, *k = nullptr, *v = nullptr, *o = nullptr;  // bf16; inputs not const: Wrong::ChangesInput
  float* lse = nullptr;
  const std::int32_t* sel = nullptr;  // [B,S,G,n,2]
  float* workspace = nullptr;
  std::int64_t B = 1, S = 1, S_kv = 1, G = 1;
  int h = 1, n = 1;
};

inline constexpr int kHeadSize = 16;

// The kernel: `launches` counts its calls, for Wrong::Unsteady.
void run_attention(std::span<const std::byte> args, Wrong wrong, int launches);

class AttentionOp : public Op {
 public:
  std::string_view name() const override { return "attention"; }
  bool supports(const Problem&) const override { return true; }
  SearchSpace space(const Problem&, const Target&) const override { return {}; }
  Config default_config(const Problem&, const Target&) const override { return {}; }
  Config baseline_config(const Problem&, const Target&) const override { return {}; }
  Unit unit(const Problem&, const Config&, const Target&) const override { return {}; }
  LaunchPlan plan(const Workload&, const Config&, const Target&) const override { return {.steps = {{}}, .workspace_bytes = 64}; }
  std::vector<TensorSpec> tensors(const Workload& workload) const override;  // q, k, v, sel, o, lse
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;
  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;
  std::string_view threshold_name(const Problem&) const override { return "NONE"; }
  std::int64_t threshold_length(const Workload&) const override { return 0; }
  std::vector<Workload> threshold_ladder(const Workload&) const override { return {}; }
  Work work(const Workload&) const override { return {}; }
};

}  // namespace nsajit::testing
