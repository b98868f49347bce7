// Selection reference: the keys of a row are what its entries select.

#include "templates/selection/selection_reference.h"

#include <utility>

#include "templates/common/attention_reference.h"
#include "templates/selection/selection_layout.h"

namespace nsajit::templates {

Reference make_selection_reference(const Workload& w, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows) {
  const nsajit_selection_args args = make_selection_args(w);
  const auto* sel = reinterpret_cast<const std::int32_t*>(inputs[kSel].data.data());
  return make_attention_reference(w.problem, args.scale, std::move(rows), [&](std::int64_t row) {
    const auto [b, s, g] = split_row(w, row);
    const std::int64_t start = packed_start(w, b), at = start + s;
    const auto tokens = selected_tokens(w, sel + b * args.sel_b + at * args.sel_s + g * args.sel_g, query_position(w, s));
    return gather_operands(w.problem, args, inputs, {.b = b, .g = g, .query = at, .first_key = start}, tokens);
  });
}

}  // namespace nsajit::templates
