// Case list: see the header.

#include "templates/common/case_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "templates/common/sequences.h"

namespace nsajit::templates {

void CaseList::add(std::string_view what, const Workload& w, InputKind kind, std::int64_t samples) {
  if (samples == 0 && w.S > 200) samples = 128;
  const auto seed = static_cast<std::uint64_t>(cases_.size() + 1);
  const bool selects = w.problem.branch == Branch::Selection || w.problem.branch == Branch::Scoring;
  const std::string blocks = selects ? fmt::format(" n={}", w.n) : "";
  cases_.push_back({.name = fmt::format("{} S={} S_kv={}{} seed={}", what, w.S, w.S_kv, blocks, seed),
                    .workload = w,
                    .recipe = {.kind = kind, .seed = seed},
                    .sampled_rows = samples});
}

Workload resize_workload(const Workload& workload, std::int64_t S, std::int64_t S_kv, int n) {
  const Problem& p = workload.problem;
  Workload small{.problem = p, .B = 2, .S = S, .S_kv = S_kv, .G = 2};
  if (has_packed_sequences(workload)) small.B = 5, small.S = S_kv;
  small.n = static_cast<int>(std::min<std::int64_t>({n, p.n_sel, (S_kv + p.l_sel - 1) / p.l_sel}));
  return small;
}

}  // namespace nsajit::templates
