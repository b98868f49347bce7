// Selection layout: the entries lie beside the queries; the rest is every branch's.

#include "templates/selection/selection_layout.h"

#include <algorithm>

namespace nsajit::templates {
std::vector<TensorSpec> make_selection_tensors(const Workload& w) {
  const Problem& p = w.problem;
  const std::int64_t keys = has_packed_sequences(w) ? rows_before(w, w.B) : w.S_kv;
  std::vector<TensorSpec> specs{make_query_spec(w, "q", p.dk),     make_key_spec(w, "k", p.dk, keys),
                                make_key_spec(w, "v", p.dv, keys), make_sel_spec(w),
                                make_query_spec(w, "o", p.dv),     make_lse_spec(w)};
  specs[kO].output = true;
  if (has_packed_sequences(w)) specs.push_back(make_starts_spec(w, "cu_seqlens"));
  return specs;
}

nsajit_selection_args make_selection_args(const Workload& w) {
  nsajit_selection_args args{};
  set_attention_strides(w, w.S_kv, args);
  set_entry_strides(w, args);
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
