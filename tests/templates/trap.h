#pragma once
// Trap: a workload whose entries are rewritten row by row into what a caller may send and a kernel may stumble over.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates_test {

struct TrapRow {
  const Workload& workload;
  std::int64_t s = 0, g = 0;
  std::int64_t position = 0;
  std::int64_t l_sel() const { return workload.problem.l_sel; }
  std::int64_t local() const { return position / l_sel(); }  // the block that holds the row's own token
};

struct Trap {
  std::string name;
  Workload workload;
  // Writes the row's n entries (a range takes two ints); each comes as an unused one. Null: the generator's stay.
  std::function<void(const TrapRow&, std::span<std::int32_t> entries)> write;
  std::int64_t sampled_rows = 0;  // as in ParityCase
};

// The traps of the problem's input form, small enough to run for each candidate.
std::vector<Trap> make_traps(const Problem& problem);

// Sizes of which one tensor has more than 2^31 elements: K, where dk is large, or Q and O.
std::vector<Trap> make_far_offset_traps(const Problem& problem);

}  // namespace nsajit::templates_test
