#pragma once
// Selection expectation: the mean sizes that random causal selections (block 0, the two local blocks, the rest uniform
// or taken over from the row before) lead to. What selection_entries.h draws, as formulas; the model's input.

#include "nsajit/workload.h"

namespace nsajit::templates {

struct SelectionMeans {
  double rows = 0;          // of all sequences and groups
  double pairs = 0;         // (row, selected block)
  double tokens = 0;        // selected, of all rows
  double union_blocks = 0;  // blocks that a run of `neighbours` rows selects together, summed over all runs
  double runs = 0;          // of `neighbours` rows
};

// Requires: a validated workload, neighbours >= 1.
SelectionMeans expect_selection(const Workload& workload, int neighbours);

}  // namespace nsajit::templates
