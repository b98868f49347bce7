// Scoring reference: equations 8 to 10 of the paper, one row at a time.

#include "templates/scoring/scoring_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "templates/common/attention_reference.h"
#include "templates/common/compression.h"
#include "templates/common/sequences.h"
#include "templates/scoring/scoring_rows.h"

namespace nsajit::templates::scoring {
namespace {

constexpr double kUnderflow = 1e-35;

// Of one head and all keys: the logits, and the sums of |q k| scale behind them.
struct HeadLogits {
  std::vector<double> values, magnitudes;
};

HeadLogits head_logits(const Problem& p, const RowOperands& row, double scale, std::size_t head) {
  HeadLogits logits{std::vector<double>(row.keys), std::vector<double>(row.keys)};
  for (std::size_t d = 0; d < static_cast<std::size_t>(p.dk); ++d) {
    const double q = row.q[head * static_cast<std::size_t>(p.dk) + d] * scale;
    for (std::size_t i = 0; i < row.keys; ++i) {
      logits.values[i] += q * row.k[d * row.keys + i];
      logits.magnitudes[i] += std::abs(q * row.k[d * row.keys + i]);
    }
  }
  return logits;
}

// exp(logit - the highest) in place; their sum. The highest one is `top`.
double exponentiate(std::vector<double>& logits, double& top) {
  top = *std::max_element(logits.begin(), logits.end());
  for (double& x : logits) x = std::exp(x - top);
  return std::accumulate(logits.begin(), logits.end(), 0.0);
}

// Probabilities of the keys, summed over the heads (Eq. 8 and 10), and the largest sum of |q k| scale.
std::vector<double> sum_probabilities(const Problem& p, const RowOperands& row, double scale, double& largest) {
  std::vector<double> sums(row.keys);
  if (row.keys == 0) return sums;
  for (std::size_t head = 0; head < static_cast<std::size_t>(p.group); ++head) {
    HeadLogits logits = head_logits(p, row, scale, head);
    largest = std::max(largest, *std::max_element(logits.magnitudes.begin(), logits.magnitudes.end()));
    double top = 0;
    const double sum = exponentiate(logits.values, top);
    for (std::size_t i = 0; i < row.keys; ++i) sums[i] += logits.values[i] / sum;
  }
  return sums;
}

// Eq. 9: token by token, each compressed token gives the block of each of its tokens its l-th part.
double score_of_block(const Problem& p, const std::vector<double>& sums, std::int64_t block) {
  double score = 0;
  const std::int64_t begin = block * p.l_sel, end = begin + p.l_sel;
  const std::int64_t first = std::max<std::int64_t>(0, (begin - p.l) / p.d);
  for (std::int64_t i = first; i < static_cast<std::int64_t>(sums.size()) && i * p.d < end; ++i) {
    const std::int64_t overlap = std::min(i * p.d + p.l, end) - std::max(i * p.d, begin);
    if (overlap > 0) score += sums[static_cast<std::size_t>(i)] * static_cast<double>(overlap) / p.l;
  }
  return score;
}

std::vector<std::int64_t> forced_blocks(const Workload& w, std::int64_t position) {
  const std::int64_t local = position / w.problem.l_sel;
  std::vector<std::int64_t> blocks{0};
  for (const std::int64_t block : {local, local - 1})
    if (block > 0 && static_cast<int>(blocks.size()) < w.n) blocks.push_back(block);
  return blocks;
}

// The blocks that entries name, in their order, or what keeps them from naming any.
std::string read_entries(const Workload& w, std::int64_t position, std::span<const std::int32_t> entries,
                         std::vector<std::int64_t>& blocks) {
  const std::int64_t l_sel = w.problem.l_sel;
  const bool ranges = w.problem.input == SelectionInput::Ranges;
  for (std::size_t i = 0; i < entries.size(); i += ranges ? 2 : 1) {
    if (!ranges && entries[i] >= 0) blocks.push_back(entries[i]);
    if (!ranges) continue;
    const std::int64_t begin = entries[i], end = entries[i + 1];
    if (begin == end) continue;
    if (begin < 0 || begin % l_sel != 0 || end < begin || (end % l_sel != 0 && end != position + 1))
      return fmt::format("range [{},{}) is not one of whole blocks up to the position {}", begin, end, position);
    for (std::int64_t block = begin / l_sel; block * l_sel < end; ++block) blocks.push_back(block);
  }
  return {};
}

std::vector<std::int64_t> subtract(const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& blocks) {
  std::vector<std::int64_t> left;
  for (const std::int64_t block : from)
    if (std::find(blocks.begin(), blocks.end(), block) == blocks.end()) left.push_back(block);
  return left;
}

// Largest lead of a block that is left out over one that is in, that fp32 may not see.
double score_error(const RowScores& scores, double a, double b) { return scores.relative_error * (a + b) + kUnderflow; }

}  // namespace

RowOperands gather_row(const Workload& w, std::span<const HostTensor> inputs, std::int64_t row) {
  const auto [b, s, g] = split_row(w, row);
  const bool packed = has_packed_sequences(w);
  const std::int64_t length = packed ? sequence_length(w, b) : w.S_kv;
  std::vector<std::int64_t> keys(
      static_cast<std::size_t>(count_compressed(w.problem, std::min(query_position(w, s) + 1, length))));
  std::iota(keys.begin(), keys.end(), 0);
  const RowPlace at{.b = b,
                    .g = g,
                    .query = packed_start(w, b) + s,
                    .first_key = packed ? compressed_starts(w)[static_cast<std::size_t>(b)] : 0};
  return gather_operands(w.problem, make_args(w), inputs, at, keys);
}

double log_sum_exp(const Problem& p, const RowOperands& row, double scale, std::size_t head) {
  if (row.keys == 0) return -std::numeric_limits<double>::infinity();
  HeadLogits logits = head_logits(p, row, scale, head);
  double top = 0;
  const double sum = exponentiate(logits.values, top);
  return top + std::log(sum);
}

RowScores score_row(const Problem& p, const RowOperands& row, double scale, std::int64_t position) {
  RowScores scores;
  double largest = 0;
  const std::vector<double> sums = sum_probabilities(p, row, scale, largest);
  for (std::int64_t block = 0; block < position / p.l_sel - 1; ++block) scores.blocks.push_back(score_of_block(p, sums, block));
  scores.relative_error =
      0x1p-24 * (2 * (4 * std::sqrt(static_cast<double>(p.dk)) + 3) * largest + 4 * std::sqrt(static_cast<double>(row.keys)) + 8);
  return scores;
}

std::vector<std::int64_t> choose_blocks(const Workload& w, std::int64_t position, const RowScores& scores) {
  std::vector<std::int64_t> chosen = forced_blocks(w, position), others;
  for (std::size_t block = 1; block < scores.blocks.size(); ++block) others.push_back(static_cast<std::int64_t>(block));
  std::stable_sort(others.begin(), others.end(), [&](std::int64_t a, std::int64_t b) {
    return scores.blocks[static_cast<std::size_t>(a)] > scores.blocks[static_cast<std::size_t>(b)];
  });
  others.resize(std::min(others.size(), static_cast<std::size_t>(w.n) - chosen.size()));
  chosen.insert(chosen.end(), others.begin(), others.end());
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

bool is_clear_choice(const Workload& w, std::int64_t position, const RowScores& scores) {
  const std::vector<std::int64_t> chosen = choose_blocks(w, position, scores);
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (std::size_t block = 1; block < scores.blocks.size(); ++block) {
    const bool in = std::binary_search(chosen.begin(), chosen.end(), static_cast<std::int64_t>(block));
    if (in) least = std::min(least, scores.blocks[block]);
    if (!in) most = std::max(most, scores.blocks[block]);
  }
  return std::isinf(least) || std::isinf(most) || least - most > score_error(scores, least, most);
}

std::string find_wrong_choice(const Workload& w, std::int64_t position, const RowScores& scores, bool exact,
                              std::span<const std::int32_t> entries) {
  const std::vector<std::int64_t> right = choose_blocks(w, position, scores);
  std::vector<std::int64_t> blocks;
  if (std::string reason = read_entries(w, position, entries, blocks); !reason.empty()) return reason;
  const std::vector<std::int64_t> missing = subtract(right, blocks), extra = subtract(blocks, right);
  const std::int64_t candidates = static_cast<std::int64_t>(scores.blocks.size());
  for (const std::int64_t block : missing)
    if (block == 0 || block >= candidates) return fmt::format("block {} is always in, and is missing", block);
  for (const std::int64_t block : extra)
    if (block <= 0 || block >= candidates) return fmt::format("block {} cannot be chosen at position {}", block, position);
  for (const std::int64_t left_out : missing)
    for (const std::int64_t taken : extra) {
      const double a = scores.blocks[static_cast<std::size_t>(left_out)], b = scores.blocks[static_cast<std::size_t>(taken)];
      const double bound = exact ? 0 : score_error(scores, a, b);
      if (exact || a - b > bound)
        return fmt::format("block {} of score {:.17g} is taken, not block {} of score {:.17g}; they may be {:.3g} apart", taken,
                           b, left_out, a, bound);
    }
  std::sort(blocks.begin(), blocks.end());
  const std::vector<std::int32_t> form = write_entries(w, blocks, position);
  if (blocks.size() != right.size()) return fmt::format("{} blocks are chosen; {} are right", blocks.size(), right.size());
  if (!std::equal(form.begin(), form.end(), entries.begin(), entries.end()))
    return "the right blocks, but not ascending, each once, merged and clamped, with the unused entries last";
  return {};
}

Reference make_reference(const Workload& w, const InputRecipe& recipe, std::span<const HostTensor> inputs,
                         std::vector<std::int64_t> rows) {
  const double scale = make_args(w).scale;
  const auto scores = std::make_shared<std::vector<RowScores>>(rows.size());
  std::vector<std::vector<std::int32_t>> entries(rows.size());
  for_each_piece(static_cast<std::int64_t>(rows.size()), 2, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const std::int64_t position = query_position(w, split_row(w, rows[i]).s);
      (*scores)[i] = score_row(w.problem, gather_row(w, inputs, rows[i]), scale, position);
      entries[i] = write_entries(w, choose_blocks(w, position, (*scores)[i]), position);
    }
  });
  Reference reference{.rows = std::move(rows)};
  reference.oracle.emplace_back();
  for (const auto& row : entries) reference.oracle[0].insert(reference.oracle[0].end(), row.begin(), row.end());
  reference.same_dtype = reference.oracle;
  reference.judge = [w, scores, of_row = reference.rows, exact = recipe.kind == InputKind::Ties](std::size_t index,
                                                                                                 std::span<const double> values) {
    const std::vector<std::int32_t> found(values.begin(), values.end());
    return find_wrong_choice(w, query_position(w, split_row(w, of_row[index]).s), (*scores)[index], exact, found);
  };
  return reference;
}

}  // namespace nsajit::templates::scoring
