// Decode reference: see the header.

#include "templates/decode/decode_reference.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "nsajit/dense_args.h"
#include "templates/common/attention_layout.h"
#include "templates/common/attention_reference.h"
#include "templates/common/compression.h"
#include "templates/common/sequences.h"
#include "templates/decode/decode_rows.h"
#include "templates/scoring/scoring_reference.h"

namespace nsajit::templates::decode {
namespace {

constexpr std::size_t kBranches = 3;

using Tokens = std::vector<std::int64_t>;

Tokens count_from(std::int64_t begin, std::int64_t end) {
  Tokens tokens(static_cast<std::size_t>(std::max<std::int64_t>(0, end - begin)));
  std::iota(tokens.begin(), tokens.end(), begin);
  return tokens;
}

// Where the tensors of one branch are among the inputs, which lack the outputs.
struct BranchInputs {
  std::size_t k, v;
  bool compressed;
};

class StepInputs {
 public:
  StepInputs(const ParityCase& parity_case, std::span<const HostTensor> inputs)
      : w_(parity_case.workload), recipe_(parity_case.recipe), mode_(mode_of(recipe_)), args_(make_args(w_, mode_)) {
    const bool own = has_own_window(w_);
    const std::array<std::pair<std::size_t, std::size_t>, kBranches> places{
        {{kKCmp, kVCmp}, {kKSel, kVSel}, {own ? kO : std::size_t{kKSel}, own ? kO + 1 : std::size_t{kVSel}}}};
    for (std::size_t branch = 0; branch < kBranches; ++branch)
      qkv_[branch] = {inputs[kQ], inputs[places[branch].first], inputs[places[branch].second]};
    gates_ = inputs[kGates];
  }

  std::int64_t length(std::int64_t b) const { return sequence_tokens(w_, recipe_, b); }

  RowOperands gather(std::size_t branch, const RowIndex& at, const Tokens& tokens) const {
    const bool compressed = branch == 0;
    const nsajit_decode_cache& cache = compressed ? args_.cmp : args_.sel;
    const nsajit_dense_args strides{.q_s = args_.q_b,
                                    .q_g = args_.q_g,
                                    .q_h = args_.q_h,
                                    .k_g = cache.k_g,
                                    .k_s = cache.k_s,
                                    .v_g = cache.v_g,
                                    .v_s = cache.v_s};
    const Tokens places = cache_rows(w_, mode_, compressed, at.b, tokens.empty() ? 0 : tokens.back() + 1);
    Tokens rows;
    for (const std::int64_t token : tokens) rows.push_back(places[static_cast<std::size_t>(token)]);
    return gather_operands(w_.problem, strides, qkv_[branch], {.b = 0, .g = at.g, .query = at.b}, rows);
  }

  double gate(std::size_t branch, const RowIndex& at, std::int64_t head) const {
    const std::int64_t index = at.b * args_.gate_b + at.g * args_.gate_g + head * args_.gate_h;
    return load_element(gates_.data.data(), gates_.spec.type, index + static_cast<std::int64_t>(branch));
  }

  float scale() const { return args_.scale; }

 private:
  const Workload& w_;
  const InputRecipe& recipe_;
  DecodeMode mode_;
  nsajit_decode_args args_;
  std::array<std::vector<HostTensor>, kBranches> qkv_;
  HostTensor gates_;
};

// What each branch of a row attends to; empty: its choice is not clear.
struct RowTokens {
  std::array<Tokens, kBranches> of;
  Tokens blocks;
  bool clear = true;
};

RowTokens find_tokens(const ParityCase& parity_case, const StepInputs& step, const RowIndex& at) {
  const Workload& w = parity_case.workload;
  const Problem& p = w.problem;
  const std::int64_t length = step.length(at.b), position = length - 1;
  RowTokens row;
  if (length == 0) return row;
  row.of[0] = count_from(0, count_compressed(p, length));
  row.of[2] = count_from(std::max<std::int64_t>(0, length - p.w), p.w > 0 ? length : 0);
  const auto scores = scoring::score_row(p, step.gather(0, at, row.of[0]), step.scale(), position);
  row.clear = parity_case.recipe.kind == InputKind::Ties || scoring::is_clear_choice(w, position, scores);
  row.blocks = scoring::choose_blocks(w, position, scores);
  for (const std::int64_t block : row.blocks)
    for (std::int64_t i = block * p.l_sel; i < std::min((block + 1) * p.l_sel, length); ++i) row.of[1].push_back(i);
  return row;
}

// `values` of each branch, [row][head][dv], times the gates.
template <class Round>
std::vector<double> combine(const Workload& w, const StepInputs& step, const std::vector<std::int64_t>& rows,
                            const std::array<const std::vector<double>*, kBranches>& values, Round round) {
  const std::int64_t count = std::int64_t{w.problem.group} * w.problem.dv;
  std::vector<double> sums(rows.size() * static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::int64_t element = 0; element < count; ++element) {
      const std::size_t at = i * static_cast<std::size_t>(count) + static_cast<std::size_t>(element);
      for (std::size_t branch = 0; branch < kBranches; ++branch)
        sums[at] += step.gate(branch, split_row(w, rows[i]), element / w.problem.dv) * (*values[branch])[at];
      sums[at] = round(sums[at]);
    }
  return sums;
}

}  // namespace

Reference make_reference(const ParityCase& parity_case, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows) {
  const Workload& w = parity_case.workload;
  const StepInputs step(parity_case, inputs);
  std::vector<RowTokens> tokens(static_cast<std::size_t>(w.B * w.G));
  for_each_piece(static_cast<std::int64_t>(rows.size()), 1, [&](std::int64_t begin, std::int64_t) {
    const std::int64_t row = rows[static_cast<std::size_t>(begin)];
    tokens[static_cast<std::size_t>(row)] = find_tokens(parity_case, step, split_row(w, row));
  });
  std::erase_if(rows, [&](std::int64_t row) { return !tokens[static_cast<std::size_t>(row)].clear; });
  std::array<Reference, kBranches> branches;
  for (std::size_t branch = 0; branch < kBranches; ++branch)
    branches[branch] = make_attention_reference(w.problem, step.scale(), rows, [&](std::int64_t row) {
      return step.gather(branch, split_row(w, row), tokens[static_cast<std::size_t>(row)].of[branch]);
    });
  Reference reference{.rows = rows};
  std::vector<double> blocks;
  for (const std::int64_t row : rows) {
    Tokens chosen = tokens[static_cast<std::size_t>(row)].blocks;
    chosen.resize(static_cast<std::size_t>(w.n), -1);
    blocks.insert(blocks.end(), chosen.begin(), chosen.end());
  }
  const ElementType storage = storage_type(w.problem.dtype);
  const auto of = [&](auto which) {
    return std::array<const std::vector<double>*, kBranches>{&which(branches[0]), &which(branches[1]), &which(branches[2])};
  };
  const auto exact = of([](const Reference& r) -> const std::vector<double>& { return r.oracle[0]; });
  const auto rounded = of([](const Reference& r) -> const std::vector<double>& { return r.same_dtype[0]; });
  reference.oracle = {combine(w, step, rows, exact, [](double x) { return x; }), blocks};
  reference.same_dtype = {
      combine(w, step, rows, rounded, [&](double x) { return round_element(storage, static_cast<float>(x)); }), blocks};
  double largest = 0;
  for (const Reference& branch : branches) largest = std::max(largest, branch.intermediate_rounding[0]);
  reference.intermediate_rounding = {largest, 0};
  return reference;
}

}  // namespace nsajit::templates::decode
