// Decode arguments: a query position, caches contiguous or in pages, gates.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "core/compressed_count.h"
#include "runtime/call_arguments.h"

namespace nsajit::runtime {
namespace {

constexpr std::int64_t kBranches = 3;

struct Reading : CallReader {
  const nsajit_decode_call& call;
  DType dtype = DType::BF16;
  std::int64_t B = 0, G = 0, h = 0, dk = 0, dv = 0;
  std::int64_t rows = 0;  // tokens of a sequence's cache, or of a page
  std::int64_t S_kv = 0;
  bool grouped = true;  // q is [B,1,G,h,dk]
  bool paged = false;
};

void check_sparsity(const Reading& reading) {
  const nsajit_sparsity& s = reading.call.sparsity;
  if (s.l < 1 || s.d < 1 || s.l_sel < 1 || s.l_sel % s.d != 0)
    refuse(reading, fmt::format("l is {}, d {}, l_sel {}; they have to be positive, l_sel a multiple of d", s.l, s.d, s.l_sel));
}

Reading read_sizes(const nsajit_decode_call& call, const Target& target, CallUse use) {
  Reading reading{{.function = "decode", .target = target, .use = use}, call};
  const nsajit_tensor &q = call.q, &k = call.k_sel;
  if ((q.ndim != 4 && q.ndim != 5) || k.ndim != 4 || call.v_sel.ndim != 4 || q.shape[1] != 1)
    refuse(reading,
           fmt::format("q has {} dimensions and {} positions, k_sel {} and v_sel {} dimensions; q has to be [B,1,G,h,dk] with "
                       "caches [B,G,tokens,d], or [B,1,H,dk] with [B,tokens,G,d]",
                       q.ndim, q.ndim > 1 ? q.shape[1] : 0, k.ndim, call.v_sel.ndim));
  reading.dtype = check_float(reading, "q", q);
  check_sparsity(reading);
  reading.grouped = q.ndim == 5;
  reading.paged = call.block_table.ndim != 0;
  reading.B = q.shape[0];
  reading.G = k.shape[reading.grouped ? 1 : 2];
  reading.rows = k.shape[reading.grouped ? 2 : 1];
  if (reading.G < 1 || (!reading.grouped && q.shape[2] % reading.G != 0))
    refuse(reading, fmt::format("q has {} heads and k_sel {}; the heads of q have to be a multiple of those of the caches",
                                q.shape[2], reading.G));
  reading.h = reading.grouped ? q.shape[3] : q.shape[2] / reading.G;
  reading.dk = q.shape[q.ndim - 1], reading.dv = call.v_sel.shape[3];
  const std::int64_t capacity = reading.paged ? reading.rows * call.block_table.shape[1] : reading.rows;
  reading.S_kv = call.S_kv != 0 ? call.S_kv : capacity;
  if (reading.S_kv < 1 || reading.S_kv > capacity)
    refuse(reading,
           fmt::format("S_kv is {}; the caches hold {} tokens of a sequence, and one has to be there", reading.S_kv, capacity));
  return reading;
}

QueryStrides read_query(const Reading& reading, std::string_view name, const nsajit_tensor& tensor, int dtype,
                        std::int64_t size) {
  if (reading.grouped)
    check_tensor(reading, name, tensor, dtype, {reading.B, 1, reading.G, reading.h, size}, "[B,1,G,h,..]");
  else
    check_tensor(reading, name, tensor, dtype, {reading.B, 1, reading.G * reading.h, size}, "[B,1,H,..]");
  check_pointer(reading, name, tensor);
  return query_strides(tensor, reading.grouped, reading.h);
}

struct CacheStrides {
  long long b = 0, g = 0, s = 0;
};

// Sequences or pages, at least `least` rows of each.
CacheStrides read_cache(const Reading& reading, std::string_view name, const nsajit_tensor& tensor, std::int64_t least,
                        std::int64_t size) {
  const std::int64_t outer = reading.paged ? kAnyExtent : reading.B;
  if (reading.grouped)
    check_tensor(reading, name, tensor, reading.call.q.dtype, {outer, reading.G, kAnyExtent, size}, "[B or pages,G,tokens,d]");
  else
    check_tensor(reading, name, tensor, reading.call.q.dtype, {outer, kAnyExtent, reading.G, size}, "[B or pages,tokens,G,d]");
  const int group = reading.grouped ? 1 : 2, row = reading.grouped ? 2 : 1;
  const bool exact = reading.paged;
  if (exact ? tensor.shape[row] != least : tensor.shape[row] < least)
    refuse(reading, fmt::format("{} has {} rows of each {}; with this call it has to have {}{}", name, tensor.shape[row],
                                exact ? "page" : "sequence", least, exact ? "" : " or more"));
  if (tensor.shape[row] > 0) {
    check_vectors(reading, name, tensor);
    check_pointer(reading, name, tensor);
  }
  return {stride_of(tensor, 0), stride_of(tensor, group), stride_of(tensor, row)};
}

nsajit_decode_cache read_caches(const Reading& reading, const char* k_name, const nsajit_tensor& k, const char* v_name,
                                const nsajit_tensor& v, std::int64_t least) {
  const CacheStrides of_k = read_cache(reading, k_name, k, least, reading.dk),
                     of_v = read_cache(reading, v_name, v, least, reading.dv);
  return {.k = k.data, .v = v.data, .k_b = of_k.b, .k_g = of_k.g, .k_s = of_k.s, .v_b = of_v.b, .v_g = of_v.g, .v_s = of_v.s};
}

void set_caches(const Reading& reading, nsajit_decode_args& args) {
  const nsajit_decode_call& call = reading.call;
  const std::int64_t tokens = reading.paged ? reading.rows : reading.S_kv;
  const std::int64_t compressed =
      reading.paged ? reading.rows / call.sparsity.d : count_compressed(call.sparsity.l, call.sparsity.d, reading.S_kv);
  args.cmp = read_caches(reading, "k_cmp", call.k_cmp, "v_cmp", call.v_cmp, compressed);
  args.sel = read_caches(reading, "k_sel", call.k_sel, "v_sel", call.v_sel, tokens);
  args.win = read_caches(reading, "k_win", call.k_win, "v_win", call.v_win, tokens);
  if (!reading.paged) return;
  check_shape(reading, "block_table", call.block_table, {reading.B, kAnyExtent}, "[B,pages]");
  check_pointer(reading, "block_table", call.block_table);
  if (call.block_table.dtype != NSAJIT_INT32 || (call.block_table.shape[1] > 1 && call.block_table.strides[1] != 1))
    refuse(reading, "block_table has to be int32, the pages of a sequence next to each other");
  if (reading.rows % call.sparsity.l_sel != 0)
    refuse(reading,
           fmt::format("a page holds {} tokens, which has to be a multiple of l_sel, {}", reading.rows, call.sparsity.l_sel));
  args.block_table = static_cast<const int*>(call.block_table.data);
  args.table_b = stride_of(call.block_table, 0);
  args.page = static_cast<int>(reading.rows);
}

void set_gates(const Reading& reading, nsajit_decode_args& args) {
  const nsajit_tensor& gates = reading.call.gates;
  if (gates.dtype != reading.call.q.dtype && gates.dtype != NSAJIT_FP32)
    refuse(reading, "gates have another dtype than q; they have to have the same, or fp32");
  const QueryStrides strides = read_query(reading, "gates", gates, gates.dtype, kBranches);
  args.gate_b = strides.b, args.gate_g = strides.g, args.gate_h = strides.h;
  args.fp32_gates = gates.dtype == NSAJIT_FP32 ? 1 : 0;
  const std::int64_t bytes = gates.dtype == NSAJIT_FP32 ? 4 : 2;
  for (std::int64_t branch = 0; branch < kBranches; ++branch)
    args.gate[branch] = static_cast<const std::byte*>(gates.data) + branch * bytes;
}

// Tensors of ints that may be left out.
void set_optional(const Reading& reading, nsajit_decode_args& args) {
  const nsajit_decode_call& call = reading.call;
  if (call.lengths.ndim != 0) {
    check_tensor(reading, "lengths", call.lengths, NSAJIT_INT32, {reading.B}, "[B]");
    check_pointer(reading, "lengths", call.lengths);
    args.lengths = static_cast<const int*>(call.lengths.data);
  }
  if (call.blocks.ndim == 0) return;
  check_tensor(reading, "blocks", call.blocks, NSAJIT_INT32, {reading.B, 1, reading.G, call.sparsity.n_sel}, "[B,1,G,n_sel]");
  check_pointer(reading, "blocks", call.blocks);
  args.blocks = static_cast<int*>(call.blocks.data);
  args.blocks_b = stride_of(call.blocks, 0), args.blocks_g = stride_of(call.blocks, 2);
}

}  // namespace

PreparedCall<nsajit_decode_args> prepare_decode(const nsajit_decode_call& call, const Target& target, CallUse use) {
  const Reading reading = read_sizes(call, target, use);
  if (reading.B * reading.h == 0) return {.is_empty = true};
  if (call.only_branch < 0 || call.only_branch > kBranches)
    refuse(reading, fmt::format("only_branch is {}; 0 is all, 1 compressed, 2 selection, 3 sliding", call.only_branch));
  PreparedCall<nsajit_decode_args> prepared;
  nsajit_decode_args& args = prepared.args;
  const QueryStrides q = read_query(reading, "q", call.q, call.q.dtype, reading.dk);
  check_vectors(reading, "q", call.q);
  const QueryStrides o = read_query(reading, "o", call.o, call.q.dtype, reading.dv);
  check_vectors(reading, "o", call.o);
  args.q = call.q.data, args.q_b = q.b, args.q_g = q.g, args.q_h = q.h;
  args.o = call.o.data, args.o_b = o.b, args.o_g = o.g, args.o_h = o.h;
  const nsajit_sparsity& sparsity = call.sparsity;
  args.page = sparsity.l_sel;
  set_caches(reading, args);
  set_gates(reading, args);
  set_optional(reading, args);
  args.B = reading.B, args.G = reading.G, args.S_kv = reading.S_kv;
  args.n = sparsity.n_sel;
  args.forced = call.only_branch - 1;
  args.scale = call.scale != 0 ? call.scale : static_cast<float>(1.0 / std::sqrt(static_cast<double>(reading.dk)));
  prepared.workload = make_workload({.branch = Branch::Decode,
                                     .dtype = reading.dtype,
                                     .layout = reading.grouped ? Layout::Grouped : Layout::Flash,
                                     .B = reading.B,
                                     .S = 1,
                                     .S_kv = reading.S_kv,
                                     .G = reading.G,
                                     .group = reading.h,
                                     .dk = reading.dk,
                                     .dv = reading.dv},
                                    sparsity);
  return prepared;
}

}  // namespace nsajit::runtime
