// Decode rows: see the header.

#include "templates/decode/decode_rows.h"

#include <algorithm>
#include <cmath>

#include "templates/common/attention_layout.h"
#include "templates/common/mix_bits.h"

namespace nsajit::templates::decode {
namespace {

constexpr std::int64_t kPageBlocks = 2;
constexpr std::int64_t kOwnWindowBytes = std::int64_t{256} << 20;
constexpr std::int64_t kBranches = 3;

std::int64_t capacity(const Workload& w) { return count_pages(w) * page_tokens(w.problem); }

// Strides of a cache with `rows` rows per sequence, or per page.
void set_cache_strides(const Workload& w, std::int64_t rows, nsajit_decode_cache& cache) {
  const bool flash = w.problem.layout == Layout::Flash;
  const long long dk = w.problem.dk, dv = w.problem.dv, G = w.G;
  cache.k_s = flash ? G * dk : dk, cache.k_g = flash ? dk : rows * dk, cache.k_b = G * rows * dk;
  cache.v_s = flash ? G * dv : dv, cache.v_g = flash ? dv : rows * dv, cache.v_b = G * rows * dv;
}

}  // namespace

bool has_own_window(const Workload& w) {
  const std::int64_t row_bytes = (w.problem.dk + w.problem.dv) * static_cast<std::int64_t>(element_bytes(w.problem.dtype));
  return w.B * w.G * capacity(w) * row_bytes <= kOwnWindowBytes;
}

std::int64_t page_tokens(const Problem& p) { return kPageBlocks * p.l_sel; }

std::int64_t count_pages(const Workload& w) { return (w.S_kv + page_tokens(w.problem) - 1) / page_tokens(w.problem); }

DecodeMode mode_of(const InputRecipe& recipe) {
  if (recipe.kind != InputKind::Ragged) return {};
  return {.ragged = true, .paged = recipe.seed % 2 == 0};
}

// Ragged: the first is full, the second empty, the third of one token, the fourth too short for a compressed one.
std::int64_t sequence_tokens(const Workload& w, const InputRecipe& recipe, std::int64_t b) {
  if (!mode_of(recipe).ragged || b == 0) return w.S_kv;
  if (b <= 2) return b - 1;
  if (b == 3) return std::min<std::int64_t>(w.S_kv, w.problem.l - 1);
  const std::uint64_t draw = mix_bits(recipe.seed * 64 + static_cast<std::uint64_t>(b));
  return 1 + static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(w.S_kv));
}

std::vector<TensorSpec> make_tensors(const Workload& w) {
  const Problem& p = w.problem;
  const std::int64_t tokens = capacity(w), compressed = tokens / p.d;
  std::vector<TensorSpec> specs{make_query_spec(w, "q", p.dk),
                                make_key_spec(w, "k_cmp", p.dk, compressed),
                                make_key_spec(w, "v_cmp", p.dv, compressed),
                                make_key_spec(w, "k_sel", p.dk, tokens),
                                make_key_spec(w, "v_sel", p.dv, tokens),
                                make_query_spec(w, "gates", kBranches),
                                {.name = "lengths", .type = ElementType::INT32, .shape = {w.B}},
                                {.name = "block_table", .type = ElementType::INT32, .shape = {w.B, count_pages(w)}},
                                make_query_spec(w, "o", p.dv),
                                {.name = "blocks", .type = ElementType::INT32, .shape = {w.B, 1, w.G, w.n}}};
  specs[kO].output = specs[kBlocks].output = true;
  if (!has_own_window(w)) return specs;
  specs.push_back(make_key_spec(w, "k_win", p.dk, tokens));
  specs.push_back(make_key_spec(w, "v_win", p.dv, tokens));
  return specs;
}

nsajit_decode_args make_args(const Workload& w, const DecodeMode& mode) {
  const Problem& p = w.problem;
  const long long h = p.group, dk = p.dk, dv = p.dv;
  const std::int64_t rows = mode.paged ? page_tokens(p) : capacity(w);
  nsajit_decode_args args{};
  set_cache_strides(w, rows / p.d, args.cmp);
  set_cache_strides(w, rows, args.sel);
  args.win = args.sel;
  args.q_h = dk, args.q_g = h * dk, args.q_b = w.G * args.q_g;
  args.o_h = dv, args.o_g = h * dv, args.o_b = w.G * args.o_g;
  args.gate_h = kBranches, args.gate_g = h * kBranches, args.gate_b = w.G * args.gate_g;
  args.blocks_g = w.n, args.blocks_b = w.G * args.blocks_g;
  args.B = w.B, args.G = w.G, args.S_kv = w.S_kv;
  args.table_b = count_pages(w);
  args.page = static_cast<int>(page_tokens(p));
  args.n = w.n;
  args.forced = -1;
  args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dk)));
  return args;
}

// Odd multipliers modulo a count of pages that they are prime to: a permutation.
std::int32_t page_of(const Workload& w, std::int64_t b, std::int64_t nth) {
  const std::int64_t pages = w.B * count_pages(w), place = b * count_pages(w) + nth;
  for (const std::int64_t factor : {7919, 104729, 1299709})
    if (pages % factor != 0) return static_cast<std::int32_t>(place * factor % pages);
  return static_cast<std::int32_t>(place);
}

std::vector<std::int64_t> cache_rows(const Workload& w, const DecodeMode& mode, bool compressed, std::int64_t b,
                                     std::int64_t count) {
  const nsajit_decode_args args = make_args(w, mode);
  const nsajit_decode_cache& cache = compressed ? args.cmp : args.sel;
  const std::int64_t page = page_tokens(w.problem) / (compressed ? w.problem.d : 1), whole = cache.k_b / cache.k_s;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back(mode.paged ? page_of(w, b, i / page) * whole + i % page : b * whole + i);
  return rows;
}

}  // namespace nsajit::templates::decode
