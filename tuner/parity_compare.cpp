// The rules, in the order in which they are asked: nothing unexpected anywhere (NaN, Inf), exact where the
// oracle is exact (infinities, empty rows), every row within its own bound, the tensor within the gate's bounds.

#include "tuner/parity_compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "core/assert.h"
#include "tuner/host_scan.h"

namespace nsajit::tuner {
namespace {

template <typename Bits>
Bits bits_at(std::span<const std::byte> data, std::int64_t index) {
  Bits bits;
  std::memcpy(&bits, data.data() + index * static_cast<std::int64_t>(sizeof(Bits)), sizeof(Bits));
  return bits;
}

double half_value(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

double float_value(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Every element, compared or not. Compared rows were judged against their oracle before.
std::optional<std::int64_t> find_unexpected(const OutputExpectation& expected, std::span<const std::byte> produced) {
  const bool oracle_has_it =
      std::any_of(expected.oracle.begin(), expected.oracle.end(), [](double value) { return std::isinf(value); });
  switch (expected.spec.type) {
    case ElementType::BF16: return find_non_finite(produced, std::uint16_t{0x7F80});
    case ElementType::FP16: return find_non_finite(produced, std::uint16_t{0x7C00});
    case ElementType::FP32:
      return find_non_finite(
          produced, 0x7F800000u,
          oracle_has_it || expected.minus_infinity_possible ? std::optional<std::uint32_t>(0xFF800000u) : std::nullopt);
    case ElementType::INT32: return std::nullopt;
  }
  return std::nullopt;
}

std::vector<double> gather(const OutputExpectation& expected, std::span<const std::byte> produced) {
  std::vector<double> values;
  values.reserve(expected.oracle.size());
  for (const Op::RowSlice& slice : expected.slices)
    for (std::int64_t i = 0; i < slice.count; ++i) values.push_back(element_value(expected.spec.type, produced, slice.begin + i));
  return values;
}

// Calls visit(row number in `rows`, offset of its first value, number of values) until it answers a reason.
template <typename Visit>
std::string visit_rows(const OutputExpectation& expected, Visit visit) {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < expected.rows.size(); ++i) {
    const auto count = static_cast<std::size_t>(expected.slices[i].count);
    if (std::string reason = visit(i, offset, count); !reason.empty()) return reason;
    offset += count;
  }
  return {};
}

std::string row_name(const OutputExpectation& expected, std::size_t i) {
  return describe_row(expected.workload, expected.rows[i]);
}

// NaN anywhere, an infinity that the oracle does not have or lacks, a value in a row that must be empty.
std::string find_inexact(const OutputExpectation& expected, std::span<const double> values) {
  return visit_rows(expected, [&](std::size_t i, std::size_t offset, std::size_t count) -> std::string {
    const auto oracle = expected.oracle.subspan(offset, count);
    const bool empty =
        expected.spec.type != ElementType::INT32 && std::all_of(oracle.begin(), oracle.end(), [](double v) { return v == 0; });
    for (std::size_t j = 0; j < count; ++j) {
      const double value = values[offset + j];
      const bool agrees = std::isfinite(oracle[j]) ? std::isfinite(value) : value == oracle[j];
      if (!agrees || (expected.spec.type == ElementType::INT32 && value != oracle[j]))
        return fmt::format("{} at {}, element {}, where {} is right", value, row_name(expected, i), j, oracle[j]);
      if (empty && value != 0)
        return fmt::format("{} at {}, element {}: an empty row must be exactly 0", value, row_name(expected, i), j);
    }
    return {};
  });
}

std::string find_misjudged(const OutputExpectation& expected, std::span<const double> values) {
  return visit_rows(expected, [&](std::size_t i, std::size_t offset, std::size_t count) -> std::string {
    const std::string reason = expected.judge(i, values.subspan(offset, count));
    return reason.empty() ? "" : fmt::format("{}: {}", row_name(expected, i), reason);
  });
}

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::isfinite(value) ? value * value : 0;
  return std::sqrt(sum);
}

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::isfinite(a[i]) && std::isfinite(b[i])) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// One wrong row in thousands hides in the figures of the tensor, and behind rows of larger values (a row of n
// tokens shrinks as 1/sqrt(n)). So each row is held to its own magnitude: twice the relative error of the
// reference's worst row, and twice eps, since the figures of a few values scatter about the tensor's.
// Only for 16-bit outputs: an fp32 bound on max-abs is already far below what one token contributes, and
// a log-sum-exp may be near 0, where a relative bound means nothing.
std::string find_wrong_row(const OutputExpectation& expected, std::span<const double> values) {
  if (expected.spec.type != ElementType::BF16 && expected.spec.type != ElementType::FP16) return {};
  double reference = 0;
  visit_rows(expected, [&](std::size_t, std::size_t offset, std::size_t count) -> std::string {
    const auto oracle = expected.oracle.subspan(offset, count);
    const double size = norm(oracle);
    if (size > 0) reference = std::max(reference, distance(expected.same_dtype.subspan(offset, count), oracle) / size);
    return {};
  });
  const double allowed = 2 * reference + 2 * rounding_of(expected.spec.type);
  return visit_rows(expected, [&](std::size_t i, std::size_t offset, std::size_t count) -> std::string {
    const auto oracle = expected.oracle.subspan(offset, count);
    const double size = norm(oracle);
    const double error = size > 0 ? distance(values.subspan(offset, count), oracle) / size : 0;
    if (error <= allowed) return {};
    return fmt::format("{} is wrong: relative error {:.3g}, allowed {:.3g}", row_name(expected, i), error, allowed);
  });
}

ErrorFigures allowed_error(const OutputExpectation& expected) {
  const ErrorFigures reference = measure_error(expected.same_dtype, expected.oracle);
  const std::vector<double> zeros(expected.oracle.size(), 0.0);
  const ErrorFigures magnitude = measure_error(zeros, expected.oracle);
  const double eps = rounding_of(expected.spec.type) + expected.intermediate_rounding;
  ErrorFigures allowed{.max_abs = 2 * reference.max_abs + eps * magnitude.max_abs,
                       .mean_abs = 2 * reference.mean_abs + eps * magnitude.mean_abs,
                       .relative_l2 = 2 * reference.relative_l2 + eps};
  // The absolute limit for fp32 speaks of values of order 1; a log-sum-exp of 1000 cannot even be stored to 1e-5.
  if (expected.spec.type == ElementType::FP32)
    allowed.mean_abs = std::min(allowed.mean_abs, 1e-5 * std::max(1.0, magnitude.mean_abs));
  return allowed;
}

std::string find_excess(const ErrorFigures& error, const ErrorFigures& allowed) {
  const auto excess = [](const char* name, double value, double limit) {
    return fmt::format("{} {:.3g}, allowed {:.3g}", name, value, limit);
  };
  if (!(error.max_abs <= allowed.max_abs)) return excess("max-abs error", error.max_abs, allowed.max_abs);
  if (!(error.mean_abs <= allowed.mean_abs)) return excess("mean-abs error", error.mean_abs, allowed.mean_abs);
  if (!(error.relative_l2 <= allowed.relative_l2)) return excess("relative L2 error", error.relative_l2, allowed.relative_l2);
  return {};
}

}  // namespace

double element_value(ElementType type, std::span<const std::byte> data, std::int64_t index) {
  switch (type) {
    case ElementType::BF16: return float_value(static_cast<std::uint32_t>(bits_at<std::uint16_t>(data, index)) << 16);
    case ElementType::FP16: return half_value(bits_at<std::uint16_t>(data, index));
    case ElementType::FP32: return float_value(bits_at<std::uint32_t>(data, index));
    case ElementType::INT32: return bits_at<std::int32_t>(data, index);
  }
  NSAJIT_ASSERT(false, "every element type is handled");
}

double rounding_of(ElementType type) {
  switch (type) {
    case ElementType::BF16: return 0x1p-8;
    case ElementType::FP16: return 0x1p-11;
    case ElementType::FP32: return 0x1p-20;
    case ElementType::INT32: return 0;
  }
  NSAJIT_ASSERT(false, "every element type is handled");
}

std::string describe_row(const Workload& workload, std::int64_t row) {
  return fmt::format("row {} (b={} s={} g={})", row, row / workload.G / workload.S, row / workload.G % workload.S,
                     row % workload.G);
}

ErrorFigures measure_error(std::span<const double> values, std::span<const double> oracle) {
  NSAJIT_ASSERT(values.size() == oracle.size(), "a reference has one value per compared element");
  double max = 0, sum = 0, squares = 0, magnitude = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]) || !std::isfinite(oracle[i])) continue;
    const double error = std::abs(values[i] - oracle[i]);
    max = std::max(max, error);
    sum += error;
    squares += error * error;
    magnitude += oracle[i] * oracle[i];
    ++count;
  }
  const double all_zero = squares > 0 ? std::numeric_limits<double>::infinity() : 0;
  return {.max_abs = max,
          .mean_abs = count > 0 ? sum / static_cast<double>(count) : 0,
          .relative_l2 = magnitude > 0 ? std::sqrt(squares / magnitude) : all_zero};
}

Comparison compare_output(const OutputExpectation& expected, std::span<const std::byte> produced) {
  NSAJIT_ASSERT(static_cast<std::int64_t>(produced.size()) == expected.spec.bytes(), "the whole output is compared");
  const std::vector<double> values = gather(expected, produced);
  if (expected.judge) return {.reason = find_misjudged(expected, values)};
  Comparison comparison{.error = measure_error(values, expected.oracle), .allowed = allowed_error(expected)};
  comparison.reason = find_inexact(expected, values);
  if (comparison.reason.empty())
    if (const auto index = find_unexpected(expected, produced))
      comparison.reason = fmt::format("{} at element {} of the tensor, in a row outside the compared sample",
                                      element_value(expected.spec.type, produced, *index), *index);
  if (comparison.reason.empty()) comparison.reason = find_wrong_row(expected, values);
  if (comparison.reason.empty()) comparison.reason = find_excess(comparison.error, comparison.allowed);
  return comparison;
}

}  // namespace nsajit::tuner
