// The comparison rules on tensors written by hand: two rows of four fp32 or bf16 values.

#include "tuner/parity_compare.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <catch2/catch_all.hpp>

namespace {

using namespace nsajit;
using tuner::compare_output;
using tuner::OutputExpectation;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Sample {  // rows of 4 values; the reference of the same dtype is exact unless a test says otherwise
  std::vector<double> oracle;
  std::vector<double> same_dtype = oracle;
  ElementType type = ElementType::FP32;
  std::int64_t rows_beyond = 0;  // rows of the tensor that are not compared
  bool minus_infinity_possible = false;
  double intermediate_rounding = 0;
};

std::vector<std::byte> store(ElementType type, const std::vector<float>& values) {
  std::vector<std::byte> data;
  for (const float value : values) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (type == ElementType::BF16) bits >>= 16;  // test values are exact in bf16
    const auto raw = std::as_bytes(std::span(&bits, 1)).first(element_bytes(type));
    data.insert(data.end(), raw.begin(), raw.end());
  }
  return data;
}

std::string reason(const Sample& sample, const std::vector<float>& values) {
  const auto rows = static_cast<std::int64_t>(sample.oracle.size() / 4);
  OutputExpectation expected;
  expected.spec = {.name = "o", .type = sample.type, .shape = {rows + sample.rows_beyond, 4}, .output = true};
  expected.workload = {.B = 1, .S = rows + sample.rows_beyond, .S_kv = rows + sample.rows_beyond, .G = 1};
  for (std::int64_t row = 0; row < rows; ++row) {
    expected.rows.push_back(row);
    expected.slices.push_back({.begin = row * 4, .count = 4});
  }
  expected.oracle = sample.oracle;
  expected.same_dtype = sample.same_dtype;
  expected.minus_infinity_possible = sample.minus_infinity_possible;
  expected.intermediate_rounding = sample.intermediate_rounding;
  return compare_output(expected, store(sample.type, values)).reason;
}

}  // namespace

TEST_CASE("where a reference judges an int32 output, it alone decides, row by row") {
  const std::vector<std::int32_t> produced{1, 2, 3, 4};
  const std::vector<double> oracle{1, 2, 4, 3};
  OutputExpectation expected;
  expected.spec = {.name = "sel", .type = ElementType::INT32, .shape = {2, 2}, .output = true};
  expected.workload = {.B = 1, .S = 2, .S_kv = 2, .G = 1};
  expected.rows = {0, 1};
  expected.slices = {{.begin = 0, .count = 2}, {.begin = 2, .count = 2}};
  expected.oracle = oracle;
  expected.same_dtype = oracle;
  CHECK(compare_output(expected, std::as_bytes(std::span(produced))).reason != "");
  expected.judge = [](std::size_t, std::span<const double>) { return std::string(); };
  CHECK(compare_output(expected, std::as_bytes(std::span(produced))).reason == "");
  expected.judge = [](std::size_t index, std::span<const double> values) {
    return index == 1 && values[0] == 3 ? std::string("swapped") : std::string();
  };
  CHECK(compare_output(expected, std::as_bytes(std::span(produced))).reason == "row 1 (b=0 s=1 g=0): swapped");
}

TEST_CASE("the oracle itself passes") { CHECK(reason({.oracle = {1, 2, 3, 4}}, {1, 2, 3, 4}).empty()); }

TEST_CASE("twice the reference's error passes and more does not") {
  const Sample fp32{.oracle = {0, 100, 100, 100}, .same_dtype = {0, 100.000002, 100, 100}};
  CHECK(reason(fp32, {0, 100.00008f, 100, 100}).empty());
  CHECK(reason(fp32, {0, 100.001f, 100, 100}) == "max-abs error 0.000999, allowed 9.94e-05");
}

TEST_CASE("a NaN is named by its row and element") {
  CHECK(reason({.oracle = {1, 2, 3, 4, 5, 6, 7, 8}}, {1, 2, 3, 4, 5, kNan, 7, 8}) ==
        "nan at row 1 (b=0 s=1 g=0), element 1, where 6 is right");
}

TEST_CASE("a NaN outside the compared rows fails") {
  CHECK(reason({.oracle = {1, 2, 3, 4}, .rows_beyond = 1}, {1, 2, 3, 4, 0, 0, kNan, 0}) ==
        "nan at element 6 of the tensor, in a row outside the compared sample");
}

TEST_CASE("an infinity where the oracle is finite fails") {
  CHECK_FALSE(reason({.oracle = {1, 2, 3, 4}}, {1, 2, std::numeric_limits<float>::infinity(), 4}).empty());
}

TEST_CASE("minus infinity agrees with minus infinity only") {
  const Sample sample{.oracle = {-kInfinity, 2, 3, 4}};
  CHECK(reason(sample, {-std::numeric_limits<float>::infinity(), 2, 3, 4}).empty());
  CHECK_FALSE(reason(sample, {-1e30f, 2, 3, 4}).empty());
  CHECK_FALSE(reason(sample, {std::numeric_limits<float>::infinity(), 2, 3, 4}).empty());
}

TEST_CASE("minus infinity outside the compared rows passes only where rows may be empty") {
  Sample sample{.oracle = {1, 2, 3, 4}, .rows_beyond = 1};
  const std::vector<float> values{1, 2, 3, 4, 0, 0, -std::numeric_limits<float>::infinity(), 0};
  CHECK_FALSE(reason(sample, values).empty());
  sample.minus_infinity_possible = true;
  CHECK(reason(sample, values).empty());
}

TEST_CASE("an empty row must be exactly zero") {
  const Sample sample{.oracle = {0, 0, 0, 0, 5, 6, 7, 8}};
  CHECK(reason(sample, {0, 0, 0, 0, 5, 6, 7, 8}).empty());
  CHECK(reason(sample, {0, 1e-30f, 0, 0, 5, 6, 7, 8}) ==
        "1.0000000031710769e-30 at row 0 (b=0 s=0 g=0), element 1: an empty row must be exactly 0");
}

TEST_CASE("a small row that is wrong does not hide behind large rows") {
  const Sample sample{.oracle = {64, 64, 64, 64, 1, 1, 1, 1}, .type = ElementType::BF16};
  CHECK(reason(sample, {64, 64, 64, 64, 1.0078125f, 1, 1, 1}).empty());
  CHECK(reason(sample, {64, 64, 64, 64, 1.03125f, 1, 1, 1}) ==
        "row 1 (b=0 s=1 g=0) is wrong: relative error 0.0156, allowed 0.00781");
}

TEST_CASE("a large logit leaves room for one more rounding, and no more") {
  Sample sample{.oracle = {2, 2, 2, 2}};
  sample.intermediate_rounding = 1e-4;
  CHECK(reason(sample, {2, 2.0000305f, 2, 2}).empty());
  CHECK_FALSE(reason(sample, {2, 2.0003f, 2, 2}).empty());
  sample.intermediate_rounding = 0;
  CHECK_FALSE(reason(sample, {2, 2.0000305f, 2, 2}).empty());
}

TEST_CASE("integers must be equal") {
  const Sample sample{.oracle = {0, 64, 128, -1}, .type = ElementType::INT32};
  std::vector<std::int32_t> right{0, 64, 128, -1};
  OutputExpectation expected;
  expected.spec = {.name = "sel", .type = ElementType::INT32, .shape = {1, 4}, .output = true};
  expected.workload = {.B = 1, .S = 1, .S_kv = 1, .G = 1};
  expected.rows = {0};
  expected.slices = {{.begin = 0, .count = 4}};
  expected.oracle = sample.oracle;
  expected.same_dtype = sample.same_dtype;
  CHECK(compare_output(expected, std::as_bytes(std::span(right))).reason.empty());
  right[2] = 129;
  CHECK_FALSE(compare_output(expected, std::as_bytes(std::span(right))).reason.empty());
}

TEST_CASE("stored elements read back as their values") {
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x7BFF};
  const auto data = std::as_bytes(std::span(halves));
  CHECK(tuner::element_value(ElementType::FP16, data, 0) == 1);
  CHECK(tuner::element_value(ElementType::FP16, data, 1) == -2);
  CHECK(tuner::element_value(ElementType::FP16, data, 2) == std::ldexp(1, -24));
  CHECK(tuner::element_value(ElementType::FP16, data, 3) == 65504);
  CHECK(tuner::element_value(ElementType::BF16, data, 0) == 0.0078125);
}
