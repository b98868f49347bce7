#pragma once
// ForwardCase: fp32 tensors of a small forward pass in both layouts, the call that runs it, and the same pass by the calls
// of its parts.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "nsajit/nsajit.h"
#include "tests/abi/attention_case.h"

namespace nsajit::testing {

// Memory as aligned as workspaces have to be, with a pattern behind its end.
class Workspace {
 public:
  explicit Workspace(std::int64_t bytes)
      : bytes_(bytes), data_(static_cast<unsigned char*>(std::aligned_alloc(256, rounded() + 256))) {
    std::fill(data_.get(), data_.get() + rounded() + 256, kPattern);
  }
  void* get() const { return data_.get(); }
  std::int64_t bytes() const { return bytes_; }
  bool end_is_intact() const {
    return std::all_of(data_.get() + bytes_, data_.get() + rounded() + 256, [](unsigned char byte) { return byte == kPattern; });
  }

 private:
  static constexpr unsigned char kPattern = 0xff;  // NaN, where it is read as floats
  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };
  std::size_t rounded() const { return (static_cast<std::size_t>(bytes_) + 255) / 256 * 256; }
  std::int64_t bytes_;
  std::unique_ptr<unsigned char[], Free> data_;
};

// B=2, G=2, h=3, dk=32, dv=16; blocks of 16, of which 4 are selected; compressed tokens of 16 every 8; window 20.
struct ForwardCase {
  static constexpr std::int64_t B = 2, G = 2, h = 3, dk = 32, dv = 16;
  static constexpr nsajit_sparsity kSparsity{.l = 16, .d = 8, .l_sel = 16, .n_sel = 4, .w = 20};
  std::int64_t S, S_kv, S_cmp;
  CaseLayout layout;
  std::vector<float> q, k_cmp, v_cmp, k_sel, v_sel, k_win, v_win, gates, o;

  ForwardCase(std::int64_t queries, std::int64_t keys, CaseLayout order = CaseLayout::Grouped)
      : S(queries),
        S_kv(keys),
        S_cmp(keys < 16 ? 0 : (keys - 16) / 8 + 1),
        layout(order),
        q(values(S * G * h * dk, 1)),
        k_cmp(values(G * S_cmp * dk, 2)),
        v_cmp(values(G * S_cmp * dv, 3)),
        k_sel(values(G * S_kv * dk, 4)),
        v_sel(values(G * S_kv * dv, 5)),
        k_win(values(G * S_kv * dk, 6)),
        v_win(values(G * S_kv * dv, 7)),
        gates(values(S * G * h * 3, 8)),
        o(static_cast<std::size_t>(B * S * G * h * dv), NAN) {}

  nsajit_tensor query(std::vector<float>& data, std::int64_t size) const {
    if (layout == CaseLayout::Grouped) return AttentionCase::tensor(data.data(), {B, S, G, h, size});
    return AttentionCase::tensor(data.data(), {B, S, G * h, size});
  }
  nsajit_tensor key(std::vector<float>& data, std::int64_t keys, std::int64_t size) const {
    if (layout == CaseLayout::Grouped) return AttentionCase::tensor(data.data(), {B, G, keys, size});
    return AttentionCase::tensor(data.data(), {B, keys, G, size});
  }

  nsajit_forward_call call() {
    nsajit_forward_call call{};
    call.struct_bytes = sizeof call;
    call.q = query(q, dk);
    call.k_cmp = key(k_cmp, S_cmp, dk), call.v_cmp = key(v_cmp, S_cmp, dv);
    call.k_sel = key(k_sel, S_kv, dk), call.v_sel = key(v_sel, S_kv, dv);
    call.k_win = key(k_win, S_kv, dk), call.v_win = key(v_win, S_kv, dv);
    call.gates = query(gates, 3);
    call.o = query(o, dv);
    call.sparsity = kSparsity;
    return call;
  }

  // Runs the call in a workspace of just the size that it asks for.
  nsajit_status run(nsajit_context* context, nsajit_forward_call call) const {
    std::int64_t bytes = -1;
    const nsajit_status status = nsajit_forward_workspace_bytes(context, &call, &bytes);
    if (status != NSAJIT_OK) return status;
    const Workspace workspace(bytes);
    call.workspace = workspace.get(), call.workspace_bytes = bytes;
    const nsajit_status ran = nsajit_forward(context, &call);
    return workspace.end_is_intact() ? ran : NSAJIT_INTERNAL;
  }

  struct Parts {
    std::vector<float> o_cmp, o_sel, o_win, o;
    std::vector<int> ranges;
  };
  // The same by five calls, each with memory of its own.
  Parts run_parts(nsajit_context* context) {
    const auto rows = static_cast<std::size_t>(B * S * G * h);
    Parts made{.o_cmp = std::vector<float>(rows * dv),
               .o_sel = made.o_cmp,
               .o_win = made.o_cmp,
               .o = made.o_cmp,
               .ranges = std::vector<int>(rows / h * 8)};
    std::vector<float> lse(rows);
    nsajit_call part{};
    part.struct_bytes = sizeof part;
    part.q = query(q, dk), part.sparsity = kSparsity, part.S_kv = S_kv, part.dv = dv;
    part.k = key(k_cmp, S_cmp, dk), part.v = key(v_cmp, S_cmp, dv), part.o = query(made.o_cmp, dv);
    part.lse = layout == CaseLayout::Grouped ? AttentionCase::tensor(lse.data(), {B, S, G, h})
                                             : AttentionCase::tensor(lse.data(), {B, S, G * h});
    launch(context, part, nsajit_compressed_workspace_bytes, nsajit_compressed_forward);
    part.sel = AttentionCase::tensor(made.ranges.data(), {B, S, G, 4, 2}, NSAJIT_INT32);
    launch(context, part, nsajit_select_blocks_workspace_bytes, nsajit_select_blocks);
    part.k = key(k_sel, S_kv, dk), part.v = key(v_sel, S_kv, dv), part.o = query(made.o_sel, dv), part.lse = {};
    launch(context, part, nsajit_selection_workspace_bytes, nsajit_selection_forward);
    part.k = key(k_win, S_kv, dk), part.v = key(v_win, S_kv, dv), part.o = query(made.o_win, dv);
    launch(context, part, nsajit_sliding_workspace_bytes, nsajit_sliding_forward);
    nsajit_combine_call gate{};
    gate.struct_bytes = sizeof gate;
    gate.o_cmp = query(made.o_cmp, dv), gate.o_sel = query(made.o_sel, dv), gate.o_win = query(made.o_win, dv);
    gate.gates = query(gates, 3), gate.o = query(made.o, dv);
    gate.sparsity = kSparsity, gate.dk = dk, gate.groups = G, gate.S_kv = S_kv;
    launch(context, gate, nsajit_combine_workspace_bytes, nsajit_combine);
    return made;
  }

 private:
  static std::vector<float> values(std::int64_t per_sequence, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> made(static_cast<std::size_t>(B * per_sequence));
    for (float& value : made) value = normal(random);
    return made;
  }

  template <class Call, class Ask, class Launch>
  static void launch(nsajit_context* context, Call call, const Ask& ask, const Launch& launch) {
    ask(context, &call, &call.workspace_bytes);
    const Workspace workspace(call.workspace_bytes);
    call.workspace = workspace.get();
    if (launch(context, &call) != NSAJIT_OK) throw std::runtime_error(nsajit_last_error());
  }
};

}  // namespace nsajit::testing
