#pragma once
// Causality check: whether the entries of a selection, as an app gives them or as scoring chose them, stay at or before each
// row's own position. Kernels never read past it, whatever the entries say; who selects the future has a mistake elsewhere.
// Pure.

#include <cstdint>
#include <span>
#include <string>

#include "nsajit/problem.h"

namespace nsajit::runtime {

// The entries of a launch on the host, with the strides that they have on the device.
struct ChosenEntries {
  SelectionInput input = SelectionInput::Ranges;
  int l_sel = 64;
  long long B = 0, S = 0, S_kv = 0, G = 0;  // packed sequences: S = S_kv = the longest
  int n = 0;
  long long sel_b = 0, sel_s = 0, sel_g = 0;  // in ints
  std::span<const std::int32_t> sel;
  std::span<const std::int32_t> cu_seqlens;  // packed sequences: where they begin and the last ends
};

// Ints from the first to behind the last entry.
std::int64_t count_ints(const ChosenEntries& entries);

// "row (b=0, s=5, g=1), entry 3: [64, 90) ends behind position 80"; empty: no entry looks ahead.
std::string find_future_entry(const ChosenEntries& entries);

}  // namespace nsajit::runtime
