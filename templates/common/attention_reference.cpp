// Attention reference: one template over the number type. Loops run over keys (scores) and over dv (outputs), so they
// vectorise while every sum keeps the plain order of its terms.

#include "templates/common/attention_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "templates/common/attention_layout.h"

namespace nsajit::templates {
namespace {

struct RowResult {
  std::vector<double> o;     // [h][dv]
  std::vector<double> lse;   // [h]
  double largest_logit = 0;  // magnitude
};

// The base of the softmax. Kernels work in base 2, which rounds a large logit once more than base e does, so the
// same-dtype reference does as well.
struct BaseE {
  static double power(double x) { return std::exp(x); }
  static double natural_log(double top, double sum) { return top + std::log(sum); }
  static constexpr double kScale = 1;
};
struct Base2 {
  static float power(float x) { return std::exp2(x); }
  static float natural_log(float top, float sum) { return (top + std::log2(sum)) * static_cast<float>(std::numbers::ln2); }
  static constexpr float kScale = std::numbers::log2e_v<float>;
};

// `round` is applied where a kernel stores in its dtype: to probabilities before P V, and to O.
template <class Real, class Base, class Round>
RowResult attend(const Problem& p, const RowOperands& row, Real scale, Round round) {
  const auto dk = static_cast<std::size_t>(p.dk), dv = static_cast<std::size_t>(p.dv);
  RowResult result;
  std::vector<Real> score(row.keys), out(dv);
  for (std::size_t head = 0; head < static_cast<std::size_t>(p.group); ++head) {
    std::fill(score.begin(), score.end(), Real{0});
    std::fill(out.begin(), out.end(), Real{0});
    for (std::size_t d = 0; d < dk; ++d) {
      const Real q = row.q[head * dk + d];
      const float* k = row.k.data() + d * row.keys;
      for (std::size_t i = 0; i < row.keys; ++i) score[i] += q * static_cast<Real>(k[i]);
    }
    Real top = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (Real& x : score) {
      x *= scale * Base::kScale;
      top = std::max(top, x);
      result.largest_logit = std::max(result.largest_logit, static_cast<double>(std::abs(x)));
    }
    for (std::size_t i = 0; i < row.keys; ++i) {
      const Real probability = Base::power(score[i] - top);
      sum += probability;
      const Real weight = round(probability);
      const float* v = row.v.data() + i * dv;
      for (std::size_t d = 0; d < dv; ++d) out[d] += weight * static_cast<Real>(v[d]);
    }
    for (const Real x : out) result.o.push_back(row.keys == 0 ? 0.0 : static_cast<double>(round(x / sum)));
    result.lse.push_back(row.keys == 0 ? -std::numeric_limits<double>::infinity()
                                       : static_cast<double>(Base::natural_log(top, sum)));
  }
  return result;
}

void place(const RowResult& result, std::size_t row, std::vector<std::vector<double>>& outputs) {
  std::copy(result.o.begin(), result.o.end(), outputs[0].begin() + static_cast<std::ptrdiff_t>(row * result.o.size()));
  std::copy(result.lse.begin(), result.lse.end(), outputs[1].begin() + static_cast<std::ptrdiff_t>(row * result.lse.size()));
}

}  // namespace

Reference make_attention_reference(const Problem& p, float scale, std::vector<std::int64_t> rows,
                                   const std::function<RowOperands(std::int64_t row)>& gather) {
  const auto heads = static_cast<std::size_t>(p.group), dv = static_cast<std::size_t>(p.dv);
  const std::vector<std::vector<double>> empty{std::vector<double>(rows.size() * heads * dv),
                                               std::vector<double>(rows.size() * heads)};
  Reference reference{.rows = std::move(rows), .oracle = empty, .same_dtype = empty};
  const ElementType type = storage_type(p.dtype);
  std::vector<double> largest_logit(reference.rows.size());
  for_each_piece(static_cast<std::int64_t>(reference.rows.size()), 2, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const RowOperands row = gather(reference.rows[i]);
      const RowResult oracle = attend<double, BaseE>(p, row, static_cast<double>(scale), [](double x) { return x; });
      largest_logit[i] = oracle.largest_logit;
      place(oracle, i, reference.oracle);
      place(attend<float, Base2>(p, row, scale, [&](float x) { return round_element(type, x); }), i, reference.same_dtype);
    }
  });
  // A kernel rounds a logit when it scales it and when it subtracts the maximum; O follows the error, LSE's own
  // magnitude already counts it.
  const double largest = largest_logit.empty() ? 0 : *std::max_element(largest_logit.begin(), largest_logit.end());
  reference.intermediate_rounding = {2 * 0x1p-24 * largest, 0};
  return reference;
}

}  // namespace nsajit::templates
