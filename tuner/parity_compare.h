#pragma once
// Comparison of one output with its reference: pure functions over host data, the rules of the parity gate.
//
// Where eps comes from, relative to the magnitude of the oracle:
//   16-bit outputs: the rounding of the stored value itself, half a unit in the last place: 2^-8 (bf16),
//     2^-11 (fp16). Needed because the reference of the same dtype may be exact by luck (a row of one token
//     copies V). One token too few among 1024 moves a row by 3 % (1/sqrt(1024)), eight times as much.
//   fp32 outputs: 2^-20, eight roundings: the fast exp2 and log2 of a GPU are right to 2^-22 and a sum of
//     products adds as much again. One token of 1024 moves a log-sum-exp by 2^-10: a thousand times as much.
//   int32 outputs: 0, or whatever the reference's judge accepts, row by row; figures are then not taken.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nsajit/op.h"
#include "tuner/parity.h"

namespace nsajit::tuner {

// What a case expects of one output tensor.
struct OutputExpectation {
  TensorSpec spec;
  Workload workload;
  std::vector<std::int64_t> rows;    // compared rows, flattened (b, s, g)
  std::vector<Op::RowSlice> slices;  // where each lies in the tensor
  std::span<const double> oracle;    // values of the slices, in order
  std::span<const double> same_dtype;
  double intermediate_rounding = 0;                                        // as in Reference
  std::function<std::string(std::size_t, std::span<const double>)> judge;  // as in Reference; int32 only
  bool minus_infinity_possible = false;  // in rows that are not compared (log-sum-exp of an empty row)
};

struct Comparison {
  ErrorFigures error;
  ErrorFigures allowed;
  std::string reason;  // empty: passed
};

// Requires: `produced` holds the whole tensor.
Comparison compare_output(const OutputExpectation& expected, std::span<const std::byte> produced);

// Figures over the pairs in which both are finite.
ErrorFigures measure_error(std::span<const double> values, std::span<const double> oracle);

double element_value(ElementType type, std::span<const std::byte> data, std::int64_t index);
double rounding_of(ElementType type);

// "row 17 (b=0 s=4 g=1)".
std::string describe_row(const Workload& workload, std::int64_t row);

}  // namespace nsajit::tuner
