// Causality check: see the header.

#include "runtime/causality_check.h"

#include <algorithm>

#include <fmt/format.h>

namespace nsajit::runtime {
namespace {

struct Row {
  long long b = 0, s = 0, g = 0;  // s within its sequence
  long long position = 0;
  const std::int32_t* entries = nullptr;
};

int ints_of(const ChosenEntries& chosen) { return chosen.input == SelectionInput::Ranges ? 2 : 1; }

std::string find_in_row(const ChosenEntries& chosen, const Row& row) {
  for (int i = 0; i < chosen.n; ++i) {
    const std::int32_t* const entry = row.entries + static_cast<std::ptrdiff_t>(i) * ints_of(chosen);
    const std::string place = fmt::format("row (b={}, s={}, g={}), entry {}", row.b, row.s, row.g, i);
    if (chosen.input == SelectionInput::Ranges) {
      if (entry[0] < entry[1] && entry[1] > row.position + 1)
        return fmt::format("{}: [{}, {}) ends behind position {}", place, entry[0], entry[1], row.position);
    } else if (static_cast<long long>(entry[0]) * chosen.l_sel > row.position) {
      return fmt::format("{}: block {} begins at {}, behind position {}", place, entry[0],
                         static_cast<long long>(entry[0]) * chosen.l_sel, row.position);
    }
  }
  return "";
}

}  // namespace

std::int64_t count_ints(const ChosenEntries& chosen) {
  const long long rows = chosen.cu_seqlens.empty() ? chosen.S : chosen.cu_seqlens.back();
  if (chosen.B < 1 || rows < 1 || chosen.G < 1) return 0;
  return (chosen.B - 1) * chosen.sel_b + (rows - 1) * chosen.sel_s + (chosen.G - 1) * chosen.sel_g +
         static_cast<long long>(chosen.n) * ints_of(chosen);
}

std::string find_future_entry(const ChosenEntries& chosen) {
  for (long long b = 0; b < chosen.B; ++b) {
    const bool packed = !chosen.cu_seqlens.empty();
    const auto at = static_cast<std::size_t>(b);
    const long long first = packed ? chosen.cu_seqlens[at] : 0;
    const long long rows = packed ? chosen.cu_seqlens[at + 1] - first : chosen.S;
    for (long long s = 0; s < rows; ++s)
      for (long long g = 0; g < chosen.G; ++g) {
        const std::int32_t* const entries =
            chosen.sel.data() + (packed ? 0 : b * chosen.sel_b) + (first + s) * chosen.sel_s + g * chosen.sel_g;
        const Row row{.b = b, .s = s, .g = g, .position = packed ? s : chosen.S_kv - chosen.S + s, .entries = entries};
        if (std::string found = find_in_row(chosen, row); !found.empty()) return found;
      }
  }
  return "";
}

}  // namespace nsajit::runtime
