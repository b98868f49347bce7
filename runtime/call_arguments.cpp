// Call arguments: shapes are compared with what q says, strides are copied.

#include "runtime/call_arguments.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace nsajit::runtime {
namespace {

// One call being read, and what q says of the other tensors.
struct Reading : CallReader {
  const nsajit_call& call;
  DType dtype = DType::BF16;
  std::int64_t B = 0, S = 0, G = 0, h = 0, dk = 0;
  bool grouped = true;  // q is [B,S,G,h,dk]
};

// What q and k say: every other tensor has to agree.
Reading read_sizes(std::string_view function, const nsajit_call& call, const Target& target, CallUse use) {
  Reading reading{{.function = function, .target = target, .use = use}, call};
  const nsajit_tensor& q = call.q;
  if (q.ndim != 4 && q.ndim != 5)
    refuse(reading, fmt::format("q has {} dimensions; it has to be [B,S,G,h,dk] or [B,S,H,dk]", q.ndim));
  reading.dtype = check_float(reading, "q", q);
  if (call.k.ndim != 4)
    refuse(reading, fmt::format("k has {} dimensions; it has to be [B,G,S_kv,dk], or [B,S_kv,G,dk] with a 4-D q", call.k.ndim));
  reading.grouped = q.ndim == 5;
  reading.B = q.shape[0];
  reading.S = q.shape[1];
  reading.G = reading.grouped ? q.shape[2] : call.k.shape[2];
  reading.dk = q.shape[q.ndim - 1];
  if (!reading.grouped && (reading.G < 1 || q.shape[2] % reading.G != 0))
    refuse(reading,
           fmt::format("q has {} heads and k {}; the heads of q have to be a multiple of those of k", q.shape[2], reading.G));
  reading.h = reading.grouped ? q.shape[3] : q.shape[2] / reading.G;
  check_tensor(reading, "q", q, q.dtype,
               reading.grouped ? std::initializer_list<std::int64_t>{kAnyExtent, kAnyExtent, kAnyExtent, kAnyExtent, kAnyExtent}
                               : std::initializer_list<std::int64_t>{kAnyExtent, kAnyExtent, kAnyExtent, kAnyExtent},
               "q");
  return reading;
}

bool has_rows(const Reading& reading) { return reading.B > 0 && reading.S > 0 && reading.G > 0 && reading.h > 0; }

void check_query_like(const Reading& reading, std::string_view name, const nsajit_tensor& tensor, std::int64_t size) {
  if (reading.grouped)
    check_tensor(reading, name, tensor, reading.call.q.dtype, {reading.B, reading.S, reading.G, reading.h, size}, "[B,S,G,h,d]");
  else
    check_tensor(reading, name, tensor, reading.call.q.dtype, {reading.B, reading.S, reading.G * reading.h, size}, "[B,S,H,d]");
  check_vectors(reading, name, tensor);
  check_pointer(reading, name, tensor);
}

void check_key_like(const Reading& reading, std::string_view name, const nsajit_tensor& tensor, std::int64_t keys,
                    std::int64_t size) {
  if (reading.grouped)
    check_tensor(reading, name, tensor, reading.call.q.dtype, {reading.B, reading.G, keys, size}, "[B,G,keys,d]");
  else
    check_tensor(reading, name, tensor, reading.call.q.dtype, {reading.B, keys, reading.G, size}, "[B,keys,G,d]");
  if (keys == 0) return;  // no compressed token yet: never read
  check_vectors(reading, name, tensor);
  check_pointer(reading, name, tensor);
}

template <class Args>
void set_query(const Reading& reading, Args& args) {
  const nsajit_call& call = reading.call;
  check_query_like(reading, "q", call.q, reading.dk);
  const QueryStrides q = query_strides(call.q, reading.grouped, reading.h);
  args.q = call.q.data, args.q_b = q.b, args.q_s = q.s, args.q_g = q.g, args.q_h = q.h;
  args.B = reading.B, args.S = reading.S, args.G = reading.G;
  args.scale = call.scale != 0 ? call.scale : static_cast<float>(1.0 / std::sqrt(static_cast<double>(reading.dk)));
}

std::int64_t key_count(const Reading& reading) { return reading.call.k.shape[reading.grouped ? 2 : 1]; }

template <class Args>
void set_keys(const Reading& reading, Args& args) {
  const nsajit_tensor& k = reading.call.k;
  check_key_like(reading, "k", k, key_count(reading), reading.dk);
  args.k = k.data, args.k_b = stride_of(k, 0);
  args.k_g = stride_of(k, reading.grouped ? 1 : 2), args.k_s = stride_of(k, reading.grouped ? 2 : 1);
}

// `lse` in or out: given, its shape has to fit.
template <class Args, class Pointer>
void set_lse(const Reading& reading, Args& args, Pointer& pointer) {
  const nsajit_tensor& lse = reading.call.lse;
  if (lse.data == nullptr) return;
  if (reading.grouped)
    check_tensor(reading, "lse", lse, NSAJIT_FP32, {reading.B, reading.S, reading.G, reading.h}, "[B,S,G,h]");
  else
    check_tensor(reading, "lse", lse, NSAJIT_FP32, {reading.B, reading.S, reading.G * reading.h}, "[B,S,H]");
  const QueryStrides strides = query_strides(lse, reading.grouped, reading.h);
  pointer = static_cast<Pointer>(lse.data);
  args.lse_b = strides.b, args.lse_s = strides.s, args.lse_g = strides.g, args.lse_h = strides.h;
}

// v, o and lse: what the attention of every branch has.
template <class Args>
void set_values(const Reading& reading, Args& args) {
  const nsajit_call& call = reading.call;
  const std::int64_t dv = call.v.ndim == 4 ? call.v.shape[3] : 0;
  check_key_like(reading, "v", call.v, key_count(reading), dv);
  check_query_like(reading, "o", call.o, dv);
  const QueryStrides o = query_strides(call.o, reading.grouped, reading.h);
  args.v = call.v.data, args.v_b = stride_of(call.v, 0);
  args.v_g = stride_of(call.v, reading.grouped ? 1 : 2), args.v_s = stride_of(call.v, reading.grouped ? 2 : 1);
  args.o = call.o.data, args.o_b = o.b, args.o_s = o.s, args.o_g = o.g, args.o_h = o.h;
  set_lse(reading, args, args.lse);
}

// Ranges [B,S,G,n,2] or blocks [B,S,G,n], whatever q's form is.
template <class Args>
SelectionInput set_entries(const Reading& reading, Args& args) {
  const nsajit_tensor& sel = reading.call.sel;
  const bool ranges = sel.ndim == 5;
  const std::int64_t n = sel.ndim >= 4 ? sel.shape[3] : kAnyExtent;
  if (ranges)
    check_tensor(reading, "sel", sel, NSAJIT_INT32, {reading.B, reading.S, reading.G, kAnyExtent, 2}, "ranges [B,S,G,n,2]");
  else
    check_tensor(reading, "sel", sel, NSAJIT_INT32, {reading.B, reading.S, reading.G, kAnyExtent}, "blocks [B,S,G,n]");
  if (ranges && n > 1 && sel.strides[3] != 2)
    refuse(reading,
           fmt::format("sel has stride {} between the ranges of a row; they have to be contiguous: make a copy", sel.strides[3]));
  check_pointer(reading, "sel", sel);
  args.sel = static_cast<decltype(args.sel)>(sel.data);
  args.sel_b = stride_of(sel, 0), args.sel_s = stride_of(sel, 1), args.sel_g = stride_of(sel, 2);
  args.n = static_cast<int>(n);
  return ranges ? SelectionInput::Ranges : SelectionInput::Blocks;
}

// Which of the two orders K has decides which tuple it is; one group has both.
Layout layout_of(const Reading& reading) {
  const nsajit_tensor& k = reading.call.k;
  const int group = reading.grouped ? 1 : 2, key = reading.grouped ? 2 : 1;
  if (k.shape[group] <= 1 || k.shape[key] <= 1) return reading.grouped ? Layout::Grouped : Layout::Flash;
  return k.strides[key] > k.strides[group] ? Layout::Flash : Layout::Grouped;
}

Workload describe(const Reading& reading, Branch branch, std::int64_t dv, std::int64_t S_kv) {
  return make_workload({.branch = branch,
                        .dtype = reading.dtype,
                        .layout = layout_of(reading),
                        .B = reading.B,
                        .S = reading.S,
                        .S_kv = S_kv,
                        .G = reading.G,
                        .group = reading.h,
                        .dk = reading.dk,
                        .dv = dv},
                       reading.call.sparsity);
}

std::int64_t raw_tokens(const Reading& reading) { return reading.call.S_kv != 0 ? reading.call.S_kv : reading.S; }

PreparedCall<nsajit_dense_args> prepare_dense(std::string_view function, Branch branch, const nsajit_call& call,
                                              const Target& target, CallUse use) {
  const Reading reading = read_sizes(function, call, target, use);
  if (!has_rows(reading)) return {.is_empty = true};
  PreparedCall<nsajit_dense_args> prepared;
  set_query(reading, prepared.args);
  set_keys(reading, prepared.args);
  set_values(reading, prepared.args);
  prepared.args.S_c = key_count(reading);
  prepared.args.S_kv = branch == Branch::Sliding ? key_count(reading) : raw_tokens(reading);
  prepared.workload = describe(reading, branch, call.v.shape[3], prepared.args.S_kv);
  return prepared;
}

}  // namespace

Workload make_workload(const CallSizes& sizes, const nsajit_sparsity& sparsity) {
  return {.problem = {.branch = sizes.branch,
                      .dtype = sizes.dtype,
                      .dk = static_cast<int>(sizes.dk),
                      .dv = static_cast<int>(sizes.dv),
                      .l = sparsity.l,
                      .d = sparsity.d,
                      .l_sel = sparsity.l_sel,
                      .n_sel = sparsity.n_sel,
                      .w = sparsity.w,
                      .group = static_cast<int>(sizes.group),
                      .layout = sizes.layout},
          .B = sizes.B,
          .S = sizes.S,
          .S_kv = sizes.S_kv,
          .G = sizes.G,
          .n = sparsity.n_sel};
}

PreparedCall<nsajit_selection_args> prepare_selection(const nsajit_call& call, const Target& target, CallUse use) {
  const Reading reading = read_sizes("selection_forward", call, target, use);
  if (!has_rows(reading)) return {.is_empty = true};
  PreparedCall<nsajit_selection_args> prepared;
  set_query(reading, prepared.args);
  set_keys(reading, prepared.args);
  set_values(reading, prepared.args);
  prepared.args.S_kv = key_count(reading);
  Workload& workload = prepared.workload = describe(reading, Branch::Selection, call.v.shape[3], prepared.args.S_kv);
  workload.problem.input = set_entries(reading, prepared.args);
  workload.n = prepared.args.n;
  workload.overlap_percent = call.overlap_percent;
  // Rows are padded to n entries however short the sequence is yet: they are the caller's own, not generated ones.
  if (workload.problem.l_sel > 0 && workload.n > (workload.S_kv + workload.problem.l_sel - 1) / workload.problem.l_sel)
    workload.selection = kOwnSelection;
  return prepared;
}

PreparedCall<nsajit_dense_args> prepare_sliding(const nsajit_call& call, const Target& target, CallUse use) {
  return prepare_dense("sliding_forward", Branch::Sliding, call, target, use);
}

PreparedCall<nsajit_dense_args> prepare_compressed(const nsajit_call& call, const Target& target, CallUse use) {
  return prepare_dense("compressed_forward", Branch::Compressed, call, target, use);
}

PreparedCall<nsajit_scoring_args> prepare_select_blocks(const nsajit_call& call, const Target& target, CallUse use) {
  const Reading reading = read_sizes("select_blocks", call, target, use);
  if (!has_rows(reading)) return {.is_empty = true};
  PreparedCall<nsajit_scoring_args> prepared;
  set_query(reading, prepared.args);
  set_keys(reading, prepared.args);
  set_lse(reading, prepared.args, prepared.args.lse);
  prepared.args.S_c = key_count(reading);
  prepared.args.S_kv = raw_tokens(reading);
  Workload& workload = prepared.workload =
      describe(reading, Branch::Scoring, call.dv != 0 ? call.dv : reading.dk, prepared.args.S_kv);
  workload.problem.input = set_entries(reading, prepared.args);
  workload.n = prepared.args.n;
  return prepared;
}

}  // namespace nsajit::runtime
