#pragma once
// Gate rows: the tensors of a gate launch, and which branches a parity case leaves in. Shared by inputs, arguments and
// reference.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/gate_args.h"
#include "nsajit/op.h"

namespace nsajit::templates::gate {

// Index of each tensor in GateOp::tensors(): the branches in the order of nsajit_gate_args::source, gates [B,S,G,h,3], o;
// the starts with packed sequences only.
enum Tensor : std::size_t { kCmp, kSel, kWin, kGates, kO, kStarts };
inline constexpr int kBranches = 3;

enum class GateStorage : std::uint8_t { Element, Fp32 };  // of the gates: as the outputs, or fp32

// Which branches a case runs with; -1: no such one.
struct GateMode {
  int forced = -1;
  int absent = -1;
  bool reads(int branch) const { return forced >= 0 ? branch == forced : branch != absent; }
};
// The kind says which mode, the seed which branch.
GateMode mode_of(const InputRecipe& recipe);

std::vector<TensorSpec> make_tensors(const Workload& workload, GateStorage gates);
// Everything but the addresses, for all branches.
nsajit_gate_args make_args(const Workload& workload, GateStorage gates);

// Normal values; NaN in every branch and gate that the recipe's mode must not read.
std::vector<HostTensor> make_inputs(const Workload& workload, GateStorage gates, const InputRecipe& recipe);

Reference make_reference(const Workload& workload, const InputRecipe& recipe, std::span<const HostTensor> inputs,
                         std::vector<std::int64_t> rows);

}  // namespace nsajit::templates::gate
