#pragma once
// Scoring reference: probabilities of the compressed keys, scores of blocks and the chosen ones in float64, on the host, on
// all hardware threads. Its judge says whether another choice is as right.
//
// A kernel adds up in another order and in fp32, so it may swap two blocks whose scores it cannot tell apart. With
// u = 2^-24 and A the largest sum of |q k| scale of the row, a score carries a relative error of at most
//   u * (2 (4 sqrt(dk) + 3) A + 4 sqrt(keys) + 8)
// as roundings walk at random (4 deviations): those of a logit, twice, since a probability has it in numerator and
// denominator; those of the sum of exponentials; 8 of the exponential and of what follows it. Below 1e-35 exponentials
// underflow. So every block that is left out may be at most this much better than every block that is taken in its
// place. Forced blocks are never exchanged, and with InputKind::Ties nothing is: all sums there are exact.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"
#include "templates/common/attention_reference.h"

namespace nsajit::templates::scoring {

// Scores of one row in float64.
struct RowScores {
  std::vector<double> blocks;  // of those that end at or before the position and are not local; [0] is not used
  double relative_error = 0;   // of a score that fp32 computes
};

// The query of a row and the compressed keys that it sees. `inputs`: q and k first.
RowOperands gather_row(const Workload& workload, std::span<const HostTensor> inputs, std::int64_t row);

// Of the logits of one head; -inf where no key is seen.
double log_sum_exp(const Problem& problem, const RowOperands& row, double scale, std::size_t head);

// `row`: as gather_row answers.
RowScores score_row(const Problem& problem, const RowOperands& row, double scale, std::int64_t position);

// The blocks of a row, ascending: forced ones as far as n goes, then the best.
std::vector<std::int64_t> choose_blocks(const Workload& workload, std::int64_t position, const RowScores& scores);

// Whether no block that is left out could be exchanged for one that is in.
bool is_clear_choice(const Workload& workload, std::int64_t position, const RowScores& scores);

// What is wrong with `entries` as the choice of a row; empty: nothing. `exact`: no block may be exchanged.
std::string find_wrong_choice(const Workload& workload, std::int64_t position, const RowScores& scores, bool exact,
                              std::span<const std::int32_t> entries);

// One output: sel.
Reference make_reference(const Workload& workload, const InputRecipe& recipe, std::span<const HostTensor> inputs,
                         std::vector<std::int64_t> rows);

}  // namespace nsajit::templates::scoring
