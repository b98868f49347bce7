// Scoring rows: see the header.

#include "templates/scoring/scoring_rows.h"

#include <algorithm>

#include "templates/common/attention_layout.h"
#include "templates/common/compression.h"

namespace nsajit::templates::scoring {

std::vector<TensorSpec> make_tensors(const Workload& w) {
  TensorSpec sel = make_sel_spec(w);
  sel.output = true;
  TensorSpec lse = make_lse_spec(w);
  lse.output = false;
  std::vector<TensorSpec> specs{make_query_spec(w, "q", w.problem.dk),
                                make_key_spec(w, "k", w.problem.dk, count_compressed_rows(w)), std::move(sel), std::move(lse)};
  if (!has_packed_sequences(w)) return specs;
  specs.push_back(make_starts_spec(w, "cu_seqlens"));
  specs.push_back(make_starts_spec(w, "cu_keys"));
  return specs;
}

nsajit_scoring_args make_args(const Workload& w) {
  nsajit_scoring_args args{};
  set_attention_strides(w, count_compressed_rows(w), args);
  set_entry_strides(w, args);
  args.S_c = count_compressed(w.problem, w.S_kv);
  return args;
}

std::vector<std::int32_t> write_entries(const Workload& w, std::span<const std::int64_t> chosen, std::int64_t position) {
  const Problem& p = w.problem;
  const bool ranges = p.input == SelectionInput::Ranges;
  std::vector<std::int32_t> entries;
  for (const std::int64_t block : chosen) {
    const auto begin = static_cast<std::int32_t>(block * p.l_sel);
    const auto end = static_cast<std::int32_t>(std::min((block + 1) * p.l_sel, position + 1));
    if (!ranges) {
      entries.push_back(static_cast<std::int32_t>(block));
    } else if (!entries.empty() && entries.back() == begin) {
      entries.back() = end;
    } else {
      entries.push_back(begin);
      entries.push_back(end);
    }
  }
  entries.resize(static_cast<std::size_t>(w.n * entry_ints(p)), ranges ? 0 : -1);
  return entries;
}

}  // namespace nsajit::templates::scoring
