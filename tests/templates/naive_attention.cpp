// Naive attention: a key is attended to where the caller says that the row sees it.

#include "tests/templates/naive_attention.h"

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

}  // namespace

NaiveRow naive_attention(const Workload& w, const std::vector<HostTensor>& qkv, const NaivePlace& at,
                         const std::function<bool(std::int64_t key)>& sees) {
  const Problem& p = w.problem;
  const std::int64_t h = p.group, g = at.g;
  const bool packed = p.layout == Layout::Varlen, flash = p.layout == Layout::Flash;
  const std::int64_t keys = qkv[1].spec.shape[flash ? 1 : 2];
  const auto q = [&](std::int64_t j, std::int64_t d) { return element(qkv[0], ((at.query * w.G + g) * h + j) * p.dk + d); };
  const auto kv = [&](const HostTensor& tensor, std::int64_t i, std::int64_t size, std::int64_t d) {
    if (packed) return element(tensor, ((at.first_key + i) * w.G + g) * size + d);
    return element(tensor, (flash ? (at.b * keys + i) * w.G + g : (at.b * w.G + g) * keys + i) * size + d);
  };
  NaiveRow row;
  for (std::int64_t j = 0; j < h; ++j) {
    std::vector<double> o(static_cast<std::size_t>(p.dv));
    double sum = 0;
    for (std::int64_t i = 0; i < at.keys; ++i) {
      if (!sees(i)) continue;
      double dot = 0;
      for (std::int64_t d = 0; d < p.dk; ++d) dot += q(j, d) * kv(qkv[1], i, p.dk, d);
      const double weight = std::exp(dot / std::sqrt(static_cast<double>(p.dk)));  // logits of normal inputs are small
      sum += weight;
      for (std::int64_t d = 0; d < p.dv; ++d) o[static_cast<std::size_t>(d)] += weight * kv(qkv[2], i, p.dv, d);
    }
    for (const double x : o) row.o.push_back(sum > 0 ? x / sum : 0);
    row.lse.push_back(sum > 0 ? std::log(sum) : -std::numeric_limits<double>::infinity());
  }
  return row;
}

}  // namespace nsajit::templates_test
