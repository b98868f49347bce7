// Naive selection: a token is attended if any entry covers it and it is not after the query.

#include "tests/templates/naive_selection.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace nsajit::templates_test {
namespace {

double element(const HostTensor& tensor, std::int64_t index) {
  if (tensor.spec.type == ElementType::FP32) return reinterpret_cast<const float*>(tensor.data.data())[index];
  const std::uint32_t bits = reinterpret_cast<const std::uint16_t*>(tensor.data.data())[index];
  if (tensor.spec.type == ElementType::BF16) {
    const std::uint32_t wide = bits << 16;
    float x = 0;
    std::memcpy(&x, &wide, 4);
    return x;
  }
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const double fraction = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

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
  const Problem& p = w.problem;
  const std::int64_t h = p.group, position = w.S_kv - w.S + s;
  const int ints = p.input == SelectionInput::Ranges ? 2 : 1;
  const bool packed = p.layout == Layout::Varlen;
  const std::int64_t start = packed ? reinterpret_cast<const std::int32_t*>(inputs[4].data.data())[b] : 0;
  const std::int64_t at = packed ? start + s : b * w.S + s;
  const auto* sel = reinterpret_cast<const std::int32_t*>(inputs[3].data.data()) + (at * w.G + g) * w.n * ints;
  const auto q = [&](std::int64_t j, std::int64_t d) { return element(inputs[0], ((at * w.G + g) * h + j) * p.dk + d); };
  const auto kv = [&](const HostTensor& tensor, std::int64_t i, std::int64_t size, std::int64_t d) {
    if (packed) return element(tensor, ((start + i) * w.G + g) * size + d);
    return element(tensor, (p.layout == Layout::Flash ? (b * w.S_kv + i) * w.G + g : (b * w.G + g) * w.S_kv + i) * size + d);
  };
  NaiveRow row;
  for (std::int64_t j = 0; j < h; ++j) {
    std::vector<double> o(static_cast<std::size_t>(p.dv));
    double sum = 0;
    for (std::int64_t i = 0; i <= position; ++i) {
      if (!is_selected(w, sel, i)) continue;
      double dot = 0;
      for (std::int64_t d = 0; d < p.dk; ++d) dot += q(j, d) * kv(inputs[1], i, p.dk, d);
      const double weight = std::exp(dot / std::sqrt(static_cast<double>(p.dk)));  // logits of normal inputs are small
      sum += weight;
      for (std::int64_t d = 0; d < p.dv; ++d) o[static_cast<std::size_t>(d)] += weight * kv(inputs[2], i, p.dv, d);
    }
    for (const double x : o) row.o.push_back(sum > 0 ? x / sum : 0);
    row.lse.push_back(sum > 0 ? std::log(sum) : -std::numeric_limits<double>::infinity());
  }
  return row;
}

}  // namespace nsajit::templates_test
