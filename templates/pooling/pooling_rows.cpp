// Pooling rows: layout and reference.

#include "templates/pooling/pooling_rows.h"

#include <algorithm>
#include <optional>

#include "templates/common/attention_layout.h"
#include "templates/common/compression.h"
#include "templates/common/host_elements.h"
#include "templates/common/sequences.h"

namespace nsajit::templates::pooling {
namespace {

struct Token {
  std::int64_t b = 0, g = 0;
  std::int64_t i = 0;  // of its sequence
};

std::optional<Token> find_token(const Workload& w, std::int64_t row) {
  const Problem& p = w.problem;
  const RowIndex at = split_row(w, row);
  const std::int64_t tokens = query_position(w, at.s) + 1;
  if (tokens < p.l || (tokens - p.l) % p.d != 0) return std::nullopt;
  const Token token{.b = at.b, .g = at.g, .i = (tokens - p.l) / p.d};
  return token.i < count_tokens(w, at.b) ? std::optional(token) : std::nullopt;
}

std::int64_t row_of_token(const Workload& w, const Token& token) {
  const std::int64_t s = token.i * w.problem.d + w.problem.l - 1 - (w.S_kv - w.S);
  return (token.b * w.S + s) * w.G + token.g;
}

// Strides of a tensor of `rows` rows of `size` elements per group, as make_key_spec lays it out.
struct KeyStrides {
  long long b = 0, g = 0, s = 0;
};
KeyStrides key_strides(const Workload& w, std::int64_t rows, std::int64_t size) {
  const bool flash = w.problem.layout != Layout::Grouped;
  return {.b = has_packed_sequences(w) ? 0 : w.G * rows * size, .g = flash ? size : rows * size, .s = flash ? w.G * size : size};
}

struct Rows {
  std::int64_t raw = 0, pooled = 0;  // of one sequence; of all together where they are packed
};
Rows count_rows(const Workload& w) {
  if (has_packed_sequences(w)) return {.raw = rows_before(w, w.B), .pooled = compressed_starts(w).back()};
  return {.raw = w.S_kv, .pooled = launch_tokens(w).count()};
}

// What one of K and V becomes at a token.
void append_means(const Problem& p, const HostTensor& raw, std::int64_t first, std::int64_t stride, std::int64_t size,
                  Reference& reference, std::size_t output) {
  for (std::int64_t e = 0; e < size; ++e) {
    double exact = 0;
    float sum = 0;
    for (std::int64_t t = 0; t < p.l; ++t) {
      const float value = load_element(raw.data.data(), raw.spec.type, first + t * stride + e);
      exact += double{value};
      sum += value;
    }
    reference.oracle[output].push_back(exact / p.l);
    reference.same_dtype[output].push_back(round_element(raw.spec.type, sum / static_cast<float>(p.l)));
  }
}

}  // namespace

TokenRange launch_tokens(const Workload& w) {
  return {.first = count_compressed(w.problem, w.S_kv - w.S), .end = count_compressed(w.problem, w.S_kv)};
}

std::int64_t count_tokens(const Workload& w, std::int64_t b) {
  return count_compressed(w.problem, has_packed_sequences(w) ? sequence_length(w, b) : w.S_kv);
}

std::vector<TensorSpec> make_tensors(const Workload& w) {
  const Problem& p = w.problem;
  const Rows rows = count_rows(w);
  std::vector<TensorSpec> specs{make_key_spec(w, "k", p.dk, rows.raw), make_key_spec(w, "v", p.dv, rows.raw),
                                make_key_spec(w, "k_cmp", p.dk, rows.pooled), make_key_spec(w, "v_cmp", p.dv, rows.pooled)};
  specs[kKCmp].output = specs[kVCmp].output = true;
  if (has_packed_sequences(w)) specs.push_back(make_starts_spec(w, "cu_seqlens"));
  if (has_packed_sequences(w)) specs.push_back(make_starts_spec(w, "cu_keys"));
  return specs;
}

nsajit_pooling_args make_args(const Workload& w) {
  const Rows rows = count_rows(w);
  const KeyStrides k = key_strides(w, rows.raw, w.problem.dk), v = key_strides(w, rows.raw, w.problem.dv);
  const KeyStrides k_cmp = key_strides(w, rows.pooled, w.problem.dk), v_cmp = key_strides(w, rows.pooled, w.problem.dv);
  nsajit_pooling_args args{};
  args.k_b = k.b, args.k_g = k.g, args.k_s = k.s;
  args.v_b = v.b, args.v_g = v.g, args.v_s = v.s;
  args.k_cmp_b = k_cmp.b, args.k_cmp_g = k_cmp.g, args.k_cmp_s = k_cmp.s;
  args.v_cmp_b = v_cmp.b, args.v_cmp_g = v_cmp.g, args.v_cmp_s = v_cmp.s;
  args.B = w.B, args.G = w.G;
  args.first = launch_tokens(w).first, args.S_c = launch_tokens(w).end;
  return args;
}

std::vector<std::int64_t> sample_tokens(const Workload& w, std::int64_t count) {
  std::vector<std::int64_t> rows;
  const std::int64_t first = launch_tokens(w).first;
  for (std::int64_t b = 0; b < w.B; ++b)
    for (std::int64_t i = first; i < count_tokens(w, b); ++i)
      for (std::int64_t g = 0; g < w.G; ++g) rows.push_back(row_of_token(w, {.b = b, .g = g, .i = i}));
  const auto total = static_cast<std::int64_t>(rows.size());
  if (total == 0) return {0};
  if (count <= 0 || count >= total) return rows;
  std::vector<std::int64_t> sample;
  // The shift inside a stride keeps samples from meeting the same group each time.
  for (std::int64_t j = 0; j < count; ++j)
    sample.push_back(rows[static_cast<std::size_t>(std::min(total - 1, j * total / count + j * 7 % (total / count)))]);
  sample.push_back(rows.back());
  std::sort(sample.begin(), sample.end());
  sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
  return sample;
}

Op::RowSlice slice_of_token(const Workload& w, std::int64_t row, std::int64_t size) {
  const auto token = find_token(w, row);
  if (!token) return {};
  const KeyStrides at = key_strides(w, count_rows(w).pooled, size);
  const std::int64_t before = has_packed_sequences(w) ? compressed_starts(w)[static_cast<std::size_t>(token->b)] : 0;
  return {.begin = token->b * at.b + token->g * at.g + (before + token->i - launch_tokens(w).first) * at.s, .count = size};
}

Reference make_reference(const Workload& w, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows) {
  const nsajit_pooling_args args = make_args(w);
  Reference reference{.rows = std::move(rows), .oracle = {{}, {}}, .same_dtype = {{}, {}}};
  for (const std::int64_t row : reference.rows) {
    const auto token = find_token(w, row);
    if (!token) continue;
    const std::int64_t raw = packed_start(w, token->b) + token->i * w.problem.d;
    append_means(w.problem, inputs[kK], token->b * args.k_b + token->g * args.k_g + raw * args.k_s, args.k_s, w.problem.dk,
                 reference, 0);
    append_means(w.problem, inputs[kV], token->b * args.v_b + token->g * args.v_g + raw * args.v_s, args.v_s, w.problem.dv,
                 reference, 1);
  }
  return reference;
}

}  // namespace nsajit::templates::pooling
