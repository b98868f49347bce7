#pragma once
// Selection check: the checked mode of selection forward. A kernel trusts its arguments; this looks at all that it trusts
// and names tensor, dimension and row of the first thing that is wrong. For bringing up a host app and for its tests: it
// reads every entry on the host. Pure, safe to call from any thread.

#include <cstdint>
#include <span>

#include "nsajit/problem.h"
#include "nsajit/selection_args.h"
#include "nsajit/target.h"

namespace nsajit {

// What a launch has beside its arguments, and copies of what the arguments only point to.
struct CheckedLaunch {
  Backend backend = Backend::Cuda;           // Cuda: pointers and strides are multiples of 16 bytes
  std::int64_t workspace_bytes = 0;          // as the launch plan says
  std::span<const std::int32_t> sel;         // what args.sel points to, with its strides; empty: entries are not looked at
  std::span<const std::int32_t> cu_seqlens;  // Layout::Varlen only: the B + 1 values
};

// Throws Error{InvalidArgument}: a null or misaligned pointer, a stride that is not a multiple of 16 bytes on CUDA, S > S_kv,
// n > n_sel, a size below 1, packed sequences that do not ascend, or entries that are no selection: out of the keys,
// ending before they begin, selecting a token twice, or more than n_sel * l_sel tokens in a row.
void check_selection_arguments(const Problem& problem, const nsajit_selection_args& args, const CheckedLaunch& launch);

}  // namespace nsajit
