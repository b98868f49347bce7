// Selection layout: grouped and FlashAttention order differ only in where K and V keep their head dimension; Q, O and
// LSE have the same bytes in both, since H = G * h with h fastest. Packed sequences are FlashAttention order without b.

#include "templates/selection/selection_layout.h"

#include <algorithm>
#include <cmath>

#include "templates/selection/selection_entries.h"

namespace nsajit::templates {
namespace {

ElementType storage_type(DType dtype) {
  if (dtype == DType::BF16) return ElementType::BF16;
  return dtype == DType::FP16 ? ElementType::FP16 : ElementType::FP32;
}

// A tensor of one row per query or key, all sequences behind each other.
std::vector<TensorSpec> make_packed_tensors(const Workload& w) {
  const Problem& p = w.problem;
  const ElementType type = storage_type(p.dtype);
  const std::int64_t rows = rows_before(w, w.B), heads = w.G * p.group, dk = p.dk, dv = p.dv, n = w.n;
  using Shape = std::vector<std::int64_t>;
  return {{.name = "q", .type = type, .shape = {rows, heads, dk}},
          {.name = "k", .type = type, .shape = {rows, w.G, dk}},
          {.name = "v", .type = type, .shape = {rows, w.G, dv}},
          {.name = "sel",
           .type = ElementType::INT32,
           .shape = p.input == SelectionInput::Ranges ? Shape{rows, w.G, n, 2} : Shape{rows, w.G, n}},
          {.name = "o", .type = type, .shape = {rows, heads, dv}, .output = true},
          {.name = "lse", .type = ElementType::FP32, .shape = {rows, heads}, .output = true},
          {.name = "cu_seqlens", .type = ElementType::INT32, .shape = {w.B + 1}}};
}

}  // namespace

std::int64_t sequence_length(const Workload& w, std::int64_t b) {
  if (!has_packed_sequences(w) || b == w.B - 1) return w.S;
  if (b % 3 == 1) return 0;
  return 1 + static_cast<std::int64_t>(mix_bits(static_cast<std::uint64_t>(b)) % static_cast<std::uint64_t>(w.S));
}

std::int64_t rows_before(const Workload& w, std::int64_t b) {
  if (!has_packed_sequences(w)) return b * w.S;
  std::int64_t rows = 0;
  for (std::int64_t before = 0; before < b; ++before) rows += sequence_length(w, before);
  return rows;
}

std::vector<TensorSpec> make_selection_tensors(const Workload& w) {
  if (has_packed_sequences(w)) return make_packed_tensors(w);
  const Problem& p = w.problem;
  const ElementType type = storage_type(p.dtype);
  const std::int64_t h = p.group, dk = p.dk, dv = p.dv, n = w.n;
  const bool flash = p.layout == Layout::Flash;
  using Shape = std::vector<std::int64_t>;
  const auto query_shape = [&](std::int64_t size) {
    return flash ? Shape{w.B, w.S, w.G * h, size} : Shape{w.B, w.S, w.G, h, size};
  };
  const auto key_shape = [&](std::int64_t size) { return flash ? Shape{w.B, w.S_kv, w.G, size} : Shape{w.B, w.G, w.S_kv, size}; };
  const Shape sel = p.input == SelectionInput::Ranges ? Shape{w.B, w.S, w.G, n, 2} : Shape{w.B, w.S, w.G, n};
  return {{.name = "q", .type = type, .shape = query_shape(dk)},
          {.name = "k", .type = type, .shape = key_shape(dk)},
          {.name = "v", .type = type, .shape = key_shape(dv)},
          {.name = "sel", .type = ElementType::INT32, .shape = sel},
          {.name = "o", .type = type, .shape = query_shape(dv), .output = true},
          {.name = "lse", .type = ElementType::FP32, .shape = {w.B, w.S, w.G, h}, .output = true}};
}

nsajit_selection_args make_selection_args(const Workload& w) {
  const Problem& p = w.problem;
  const long long h = p.group, dk = p.dk, dv = p.dv, G = w.G, S = w.S, S_kv = w.S_kv;
  const bool flash = p.layout != Layout::Grouped;
  const long long ints = static_cast<long long>(w.n) * entry_ints(p);
  nsajit_selection_args args{};
  args.q_h = dk, args.q_g = h * dk, args.q_s = G * args.q_g, args.q_b = S * args.q_s;
  args.o_h = dv, args.o_g = h * dv, args.o_s = G * args.o_g, args.o_b = S * args.o_s;
  args.k_s = flash ? G * dk : dk, args.k_g = flash ? dk : S_kv * dk, args.k_b = G * S_kv * dk;
  args.v_s = flash ? G * dv : dv, args.v_g = flash ? dv : S_kv * dv, args.v_b = G * S_kv * dv;
  args.lse_h = 1, args.lse_g = h, args.lse_s = G * h, args.lse_b = S * args.lse_s;
  args.sel_g = ints, args.sel_s = G * ints, args.sel_b = S * args.sel_s;
  if (has_packed_sequences(w)) args.q_b = args.o_b = args.k_b = args.v_b = args.lse_b = args.sel_b = 0;
  args.B = w.B, args.S = S, args.S_kv = S_kv, args.G = G;
  args.n = w.n;
  args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dk)));
  return args;
}

std::vector<std::int64_t> selected_tokens(const Workload& workload, const std::int32_t* entries, std::int64_t position) {
  const Problem& p = workload.problem;
  const std::int64_t limit = std::min(position + 1, workload.S_kv);
  std::vector<std::int64_t> tokens;
  for (int i = 0; i < workload.n; ++i) {
    const bool ranges = p.input == SelectionInput::Ranges;
    const std::int64_t id = entries[ranges ? 2 * i : i];
    if (id < 0 && !ranges) continue;
    const std::int64_t begin = ranges ? std::max<std::int64_t>(id, 0) : id * p.l_sel;
    const std::int64_t end = std::min(limit, ranges ? entries[2 * i + 1] : begin + p.l_sel);
    for (std::int64_t token = begin; token < end; ++token) tokens.push_back(token);
  }
  return tokens;
}

}  // namespace nsajit::templates
