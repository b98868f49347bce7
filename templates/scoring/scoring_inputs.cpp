// Scoring inputs. Ties: queries are 0 but in one dimension, where keys have one of few values, so that every logit is
// exact. Most keys lie so far below the others that their probability is exactly 0. The others stand so far apart that a
// block meets one of them at most: its score is one product, equal to the last bit wherever value and overlap are equal.

#include "templates/scoring/scoring_inputs.h"

#include <cmath>

#include "templates/common/attention_inputs.h"
#include "templates/common/compression.h"
#include "templates/common/host_elements.h"
#include "templates/common/host_tensors.h"
#include "templates/common/mix_bits.h"
#include "templates/common/sequences.h"
#include "templates/scoring/scoring_reference.h"
#include "templates/scoring/scoring_rows.h"

namespace nsajit::templates::scoring {
namespace {

constexpr float kQuery = 128;      // and half of it in every other head
constexpr float kFarBelow = -256;  // 64 * 256 / sqrt(256) = 1024: exp of it is 0 in float64 too
constexpr float kStep = -0.0625f;
// Of so many keys one is of the best level and the others of two that follow: the best are fewer than there is room for,
// so that the last places go to ties.
constexpr std::uint64_t kRarity = 8;
constexpr double kHalfVariance = 0.5;  // log of the mean of e^x, of normal logits x

void tie_keys(const Workload& w, const InputRecipe& recipe, HostTensor& k) {
  const nsajit_scoring_args args = make_args(w);
  const std::vector<std::int32_t> starts = compressed_starts(w);
  for (std::int64_t b = 0; b < w.B; ++b) {
    const auto at = static_cast<std::size_t>(b);
    const std::int64_t start = has_packed_sequences(w) ? starts[at] : 0, keys = starts[at + 1] - starts[at];
    for (std::int64_t g = 0; g < w.G; ++g)
      for (std::int64_t i = 0; i < keys; ++i)
        store_element(k.data.data(), k.spec.type, b * args.k_b + g * args.k_g + (start + i) * args.k_s,
                      tied_key(w, recipe, g, i));
  }
}

// InputKind::GivenSums: what the compressed branch hands on. Else, for times, about what normal inputs make of it.
HostTensor make_lse(const Workload& w, const TensorSpec& spec, const InputRecipe& recipe, std::span<const HostTensor> qk) {
  const Problem& p = w.problem;
  const nsajit_scoring_args args = make_args(w);
  const std::vector<std::int64_t> rows = sample_rows(w, 0);
  HostTensor lse = make_tensor(spec);
  for_each_piece(static_cast<std::int64_t>(rows.size()), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = rows[static_cast<std::size_t>(i)];
      const auto [b, s, g] = split_row(w, row);
      const bool exact = recipe.kind == InputKind::GivenSums;
      const RowOperands operands = exact ? gather_row(w, qk, row) : RowOperands{};
      const auto seen = static_cast<double>(count_compressed(p, query_position(w, s) + 1));
      for (std::int64_t head = 0; head < p.group; ++head) {
        const double sum =
            exact ? log_sum_exp(p, operands, args.scale, static_cast<std::size_t>(head)) : std::log(seen) + kHalfVariance;
        const std::int64_t at = b * args.lse_b + (packed_start(w, b) + s) * args.lse_s + g * args.lse_g + head * args.lse_h;
        store_element(lse.data.data(), spec.type, at, static_cast<float>(sum));
      }
    }
  });
  return lse;
}

}  // namespace

void tie_queries(const Workload& w, HostTensor& q) {
  const std::int64_t dk = w.problem.dk, rows = q.spec.elements() / dk;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t d = 0; d < dk; ++d)
      store_element(q.data.data(), q.spec.type, row * dk + d,
                    d > 0                            ? 0.0f
                    : row % w.problem.group % 2 == 0 ? kQuery
                                                     : kQuery / 2);
}

float tied_key(const Workload& w, const InputRecipe& recipe, std::int64_t g, std::int64_t i) {
  const Problem& p = w.problem;
  if (i % ((p.l + p.l_sel + p.d - 1) / p.d) != 0) return kFarBelow;
  const std::uint64_t draw = mix_bits(recipe.seed + static_cast<std::uint64_t>(i * w.G + g)) % kRarity;
  const std::uint64_t level = draw == 0 ? 0 : draw < kRarity - 2 ? 1 : 2;
  return kStep * static_cast<float>(level);
}

std::vector<HostTensor> make_inputs(const Workload& w, const InputRecipe& recipe) {
  const std::vector<TensorSpec> specs = make_tensors(w);
  std::vector<HostTensor> inputs = make_attention_inputs({specs.data(), kSel}, recipe);
  if (recipe.kind == InputKind::Ties) {
    tie_queries(w, inputs[kQ]);
    tie_keys(w, recipe, inputs[kK]);
  }
  inputs.push_back(make_lse(w, specs[kLse], recipe, inputs));
  if (!has_packed_sequences(w)) return inputs;
  inputs.push_back(make_int_tensor(specs[kStarts], sequence_starts(w)));
  inputs.push_back(make_int_tensor(specs[kKeyStarts], compressed_starts(w)));
  return inputs;
}

std::vector<HostTensor> change_future(const Workload& w, std::span<const HostTensor> inputs, std::int64_t position) {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  flip_queries_after(w, changed[kQ], position);
  flip_keys_from(w, changed[kK], compressed_starts(w), count_compressed(w.problem, position + 1));
  return changed;
}

}  // namespace nsajit::templates::scoring
