// Selection expectation: a sum over the blocks that a position may lie in; all rows of a block see equally many.

#include "templates/selection/selection_expectation.h"

#include <algorithm>
#include <cmath>

#include "templates/selection/selection_layout.h"

namespace nsajit::templates {
namespace {

// Blocks that `neighbours` rows with `visible` blocks select together. Forced ones are common to all. Of the `candidates`
// others, a block is missed by all rows that draw for themselves with probability (1 - random/candidates)^neighbours;
// with an overlap each row adds its fresh share, of which some were taken before the row before.
double expect_union(const Workload& workload, double visible, int neighbours) {
  const double entries = std::min<double>(workload.n, visible);
  const double forced = std::min(3.0, entries);
  const double candidates = visible - 3, random = entries - forced;
  if (random <= 0 || candidates <= 0) return entries;
  if (workload.overlap_percent == 0) return forced + candidates * (1 - std::pow(1 - random / candidates, neighbours));
  const double fresh = random * (100 - workload.overlap_percent) / 100.0;
  double together = random;
  for (int i = 1; i < neighbours && candidates > random; ++i)
    together += fresh * std::max(0.0, (candidates - together) / (candidates - random));
  return forced + std::min(together, candidates);
}

}  // namespace

SelectionMeans expect_selection(const Workload& workload, int neighbours) {
  SelectionMeans means;
  const std::int64_t l_sel = workload.problem.l_sel;
  for (std::int64_t b = 0; b < workload.B; ++b) {
    const std::int64_t length = sequence_length(workload, b), last = workload.S_kv - workload.S + length;
    for (std::int64_t position = workload.S_kv - workload.S; position < last;) {
      const std::int64_t block = position / l_sel, next = std::min((block + 1) * l_sel, last);
      const auto rows = static_cast<double>(next - position);
      const double entries = std::min<double>(workload.n, static_cast<double>(block + 1));
      const double cut = static_cast<double>((block + 1) * l_sel) - 0.5 * static_cast<double>(position + next + 1);
      means.rows += rows;
      means.pairs += rows * entries;
      means.tokens += rows * (entries * static_cast<double>(l_sel) - (workload.n > 1 || block == 0 ? cut : 0));
      means.union_blocks += rows / neighbours * expect_union(workload, static_cast<double>(block + 1), neighbours);
      means.runs += rows / neighbours;
      position = next;
    }
  }
  const auto groups = static_cast<double>(workload.G);
  for (double* sum : {&means.rows, &means.pairs, &means.tokens, &means.union_blocks, &means.runs}) *sum *= groups;
  return means;
}

}  // namespace nsajit::templates
