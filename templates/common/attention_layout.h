#pragma once
// Attention layout: shapes and strides of q, k, v, o and lse by Problem::layout, for every branch that has them.
// Grouped and FlashAttention order differ only in where K and V keep their head dimension; Q, O and LSE have the same
// bytes in both, since H = G * h with h fastest. Packed sequences are FlashAttention order without b.

#include <cmath>
#include <cstdint>
#include <string>

#include "nsajit/op.h"
#include "templates/common/sequences.h"

namespace nsajit::templates {

ElementType storage_type(DType dtype);

// One row of `size` elements per query head.
TensorSpec make_query_spec(const Workload& workload, std::string name, std::int64_t size);
// One row of `size` elements per key and group. `keys`: of one sequence; of all together where they are packed.
TensorSpec make_key_spec(const Workload& workload, std::string name, std::int64_t size, std::int64_t keys);
TensorSpec make_lse_spec(const Workload& workload);
// Selected blocks or ranges, n entries per row and group.
TensorSpec make_sel_spec(const Workload& workload);
// Where packed sequences begin and end.
TensorSpec make_starts_spec(const Workload& workload, std::string name);

// All strides but those of a branch's own tensors (of v and o, where it has them), the sizes and the scale. `keys` as for
// make_key_spec.
template <class Args>
void set_attention_strides(const Workload& w, std::int64_t keys, Args& args) {
  const long long h = w.problem.group, dk = w.problem.dk, dv = w.problem.dv, G = w.G, S = w.S;
  const bool flash = w.problem.layout != Layout::Grouped;
  args.q_h = dk, args.q_g = h * dk, args.q_s = G * args.q_g, args.q_b = S * args.q_s;
  args.k_s = flash ? G * dk : dk, args.k_g = flash ? dk : keys * dk, args.k_b = G * keys * dk;
  args.lse_h = 1, args.lse_g = h, args.lse_s = G * h, args.lse_b = S * args.lse_s;
  if constexpr (requires { args.v_b; }) {
    args.o_h = dv, args.o_g = h * dv, args.o_s = G * args.o_g, args.o_b = S * args.o_s;
    args.v_s = flash ? G * dv : dv, args.v_g = flash ? dv : keys * dv, args.v_b = G * keys * dv;
    if (has_packed_sequences(w)) args.o_b = args.v_b = 0;
  }
  if (has_packed_sequences(w)) args.q_b = args.k_b = args.lse_b = 0;
  args.B = w.B, args.S = S, args.S_kv = w.S_kv, args.G = G;
  args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dk)));
}

// Ints of one entry: a range has two, a block index one.
inline int entry_ints(const Problem& problem) { return problem.input == SelectionInput::Ranges ? 2 : 1; }

// Where the entries of a row lie, and how many there are.
template <class Args>
void set_entry_strides(const Workload& w, Args& args) {
  const long long ints = static_cast<long long>(w.n) * entry_ints(w.problem);
  args.sel_g = ints, args.sel_s = w.G * ints, args.sel_b = has_packed_sequences(w) ? 0 : w.S * args.sel_s;
  args.n = w.n;
}

}  // namespace nsajit::templates
