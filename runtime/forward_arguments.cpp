// Forward arguments: each part is prepared as its own call would be, so that both know the same workloads.

#include "runtime/forward_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/compressed_count.h"
#include "core/dense_tensor.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

// Stands for an address in the workspace until that is known: not null, and aligned.
void* const kPlacedLater = reinterpret_cast<void*>(std::uintptr_t{256});

enum Forced : int { kAll = -1, kCompressed = 0, kSelection = 1, kSliding = 2 };

nsajit_tensor make_dense(const nsajit_tensor& shaped, int dtype) {
  return dense_tensor(kPlacedLater, std::span(shaped.shape, static_cast<std::size_t>(shaped.ndim)), dtype);
}

std::int64_t bytes_of(const nsajit_tensor& tensor) {
  std::int64_t elements = 1;
  for (int i = 0; i < tensor.ndim; ++i) elements *= tensor.shape[i];
  return elements * (tensor.dtype == NSAJIT_FP32 || tensor.dtype == NSAJIT_INT32 ? 4 : 2);
}

// What the parts hand to each other.
struct Between {
  nsajit_tensor output{}, lse{}, sel{};
};

Between make_between(const nsajit_forward_call& call) {
  const nsajit_tensor& q = call.q;
  const bool grouped = q.ndim == 5;
  Between made{.output = q, .lse = q, .sel = call.sel};
  made.output.shape[q.ndim - 1] = call.o.shape[q.ndim - 1];
  made.output = make_dense(made.output, q.dtype);
  made.lse.ndim = q.ndim - 1;
  made.lse = make_dense(made.lse, NSAJIT_FP32);
  if (call.sel.ndim == 0) {
    const std::int64_t G = grouped ? q.shape[2] : call.k_sel.shape[2];
    made.sel = make_dense({.ndim = 5, .shape = {q.shape[0], q.shape[1], G, call.sparsity.n_sel, 2}}, NSAJIT_INT32);
  }
  return made;
}

nsajit_call start_part(const nsajit_forward_call& call, const nsajit_tensor& k, const nsajit_tensor& v) {
  nsajit_call part{};
  part.struct_bytes = sizeof part;
  part.q = call.q, part.k = k, part.v = v;
  part.sparsity = call.sparsity;
  part.scale = call.scale;
  part.overlap_percent = call.overlap_percent;
  part.S_kv = call.k_sel.shape[call.q.ndim == 5 ? 2 : 1];
  return part;
}

nsajit_combine_call make_combine(const nsajit_forward_call& call, const Between& between) {
  nsajit_combine_call part{};
  part.struct_bytes = sizeof part;
  part.o_cmp = part.o_sel = between.output;
  part.o_win = part.o = call.o;  // sliding writes o, and the gate adds to it in place
  part.gates = call.gates;
  part.sparsity = call.sparsity;
  part.dk = static_cast<int>(call.q.shape[call.q.ndim - 1]);
  part.groups = static_cast<int>(call.k_sel.shape[call.q.ndim == 5 ? 1 : 2]);
  part.S_kv = call.k_sel.shape[call.q.ndim == 5 ? 2 : 1];
  return part;
}

void check_ranks(const nsajit_forward_call& call, const Target& target, CallUse use) {
  const CallReader reader{.function = "forward", .target = target, .use = use};
  if (call.q.ndim != 4 && call.q.ndim != 5)
    refuse(reader, fmt::format("q has {} dimensions; it has to be [B,S,G,h,dk] or [B,S,H,dk]", call.q.ndim));
  if (call.o.ndim != call.q.ndim)
    refuse(reader, fmt::format("o has {} dimensions and q {}; o has to be as q, with dv", call.o.ndim, call.q.ndim));
  if (call.k_sel.ndim != 4)
    refuse(reader,
           fmt::format("k_sel has {} dimensions; it has to be [B,G,S_kv,dk], or [B,S_kv,G,dk] with a 4-D q", call.k_sel.ndim));
}

void prepare_parts(const nsajit_forward_call& call, int forced, const Target& target, CallUse use, PreparedForward& prepared) {
  const Between between = make_between(call);
  const bool all = forced == kAll;
  if (all || forced == kCompressed) {
    nsajit_call part = start_part(call, call.k_cmp, call.v_cmp);
    part.o = all ? between.output : call.o;
    if (all) part.lse = between.lse;
    prepared.compressed = prepare_compressed(part, target, use);
    prepared.lse_bytes = all ? bytes_of(between.lse) : 0;
  }
  if (all || forced == kSelection) {
    nsajit_call part = start_part(call, call.k_cmp, {});
    part.sel = between.sel;
    if (all) part.lse = between.lse;
    part.dv = static_cast<int>(call.v_sel.ndim == 4 ? call.v_sel.shape[3] : 0);
    prepared.scoring = prepare_select_blocks(part, target, use);
    part = start_part(call, call.k_sel, call.v_sel);
    part.sel = between.sel;
    part.o = all ? between.output : call.o;
    prepared.selection = prepare_selection(part, target, use);
    prepared.sel_bytes = call.sel.ndim == 0 ? bytes_of(between.sel) : 0;
  }
  if (all || forced == kSliding) {
    nsajit_call part = start_part(call, call.k_win, call.v_win);
    part.o = call.o;
    prepared.sliding = prepare_sliding(part, target, use);
  }
  if (!all) return;
  prepared.output_bytes = bytes_of(between.output);
  prepared.gate = prepare_combine(make_combine(call, between), target, use);
}

}  // namespace

PreparedForward prepare_forward(const nsajit_forward_call& call, int forced, const Target& target, CallUse use) {
  check_ranks(call, target, use);
  PreparedForward prepared;
  try {
    prepare_parts(call, forced, target, use, prepared);
  } catch (const Error& error) {
    // Names the part and its tensors; say whose part it is.
    throw Error(error.code(), fmt::format("forward: {}", error.what()));
  }
  return prepared;
}

std::optional<nsajit_decode_call> find_decode_step(const nsajit_forward_call& call) {
  const nsajit_sparsity& s = call.sparsity;
  if ((call.q.ndim != 4 && call.q.ndim != 5) || call.q.shape[1] != 1 || call.k_sel.ndim != 4 || call.k_cmp.ndim != 4)
    return std::nullopt;
  if (call.sel.ndim != 0 || s.l < 1 || s.d < 1 || s.l_sel < 1 || s.l_sel % s.d != 0) return std::nullopt;
  const int row = call.q.ndim == 5 ? 2 : 1;
  if (call.k_cmp.shape[row] < count_compressed(s.l, s.d, call.k_sel.shape[row])) return std::nullopt;
  nsajit_decode_call step{};
  step.struct_bytes = sizeof step;
  step.q = call.q, step.gates = call.gates, step.o = call.o;
  step.k_cmp = call.k_cmp, step.v_cmp = call.v_cmp;
  step.k_sel = call.k_sel, step.v_sel = call.v_sel;
  step.k_win = call.k_win, step.v_win = call.v_win;
  step.sparsity = call.sparsity;
  step.scale = call.scale;
  return step;
}

}  // namespace nsajit::runtime
