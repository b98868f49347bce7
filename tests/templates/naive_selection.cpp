// Naive selection: a token is attended if any entry covers it and it is not after the query.

#include "tests/templates/naive_selection.h"

namespace nsajit::templates_test {
namespace {

bool is_selected(const Workload& w, const std::int32_t* row, std::int64_t token) {
  for (int i = 0; i < w.n; ++i) {
    if (w.problem.input == SelectionInput::Ranges && row[2 * i] <= token && token < row[2 * i + 1]) return true;
    if (w.problem.input == SelectionInput::Blocks && row[i] >= 0 && token / w.problem.l_sel == row[i]) return true;
  }
  return false;
}

}  // namespace

NaiveRow naive_selection(const Workload& w, const std::vector<HostTensor>& inputs, std::int64_t b, std::int64_t s,
                         std::int64_t g) {
  const std::int64_t position = w.S_kv - w.S + s;
  const int ints = w.problem.input == SelectionInput::Ranges ? 2 : 1;
  const bool packed = w.problem.layout == Layout::Varlen;
  const std::int64_t start = packed ? reinterpret_cast<const std::int32_t*>(inputs[4].data.data())[b] : 0;
  const std::int64_t at = packed ? start + s : b * w.S + s;
  const auto* sel = reinterpret_cast<const std::int32_t*>(inputs[3].data.data()) + (at * w.G + g) * w.n * ints;
  return naive_attention(w, inputs, {.b = b, .g = g, .query = at, .first_key = start, .keys = position + 1},
                         [&](std::int64_t token) { return is_selected(w, sel, token); });
}

}  // namespace nsajit::templates_test
