#pragma once
// Selection overlap: how much neighbouring rows of a live launch select in common, from a few of its rows. The figure is
// the overlap_percent of the workload to ask the dispatcher for. Pure and on the host; looks at 64 pairs of rows at most.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/workload.h"

namespace nsajit {

// Two neighbouring rows of one sequence and group, as rows of the selection tensor [rows, n] or [rows, n, 2].
struct RowPair {
  std::int64_t before = 0;
  std::int64_t row = 0;
  std::int64_t position = 0;  // of `row`; `before` is one earlier
};

// The pairs to look at, spread over sequences, lengths and groups; none where no sequence has two rows. `cu_seqlens` are
// those of the launch for packed sequences, else empty. Throws Error{InvalidArgument} where they are not B + 1 that ascend.
std::vector<RowPair> pick_row_pairs(const Workload& workload, std::span<const std::int32_t> cu_seqlens = {});

// `entries`: of each pair, those of `before`, then those of `row`. Percent of the blocks, beyond block 0 and the two
// local ones, that a row has in common with the row before; 0 where that is no more than rows share that draw for
// themselves (what overlap=0 means). A range counts as the blocks that it touches.
// Throws Error{InvalidArgument} where `entries` has another size.
int estimate_overlap(const Workload& workload, std::span<const RowPair> pairs, std::span<const std::int32_t> entries);

}  // namespace nsajit
