#pragma once
// Selection row check: whether the entries of one row are a selection as callers are to give them. Shared by the check of a
// launch's arguments and that of a recorded selection.

#include <cstdint>
#include <string>

#include "nsajit/problem.h"

namespace nsajit::templates {

// One row of a selection: (b, s, g) as the caller counts it.
struct CheckedRow {
  std::int64_t b = 0, s = 0, g = 0;
  std::int64_t position = 0;  // absolute, of the query
  std::int64_t keys = 0;      // of its sequence
  const std::int32_t* entries = nullptr;
  int n = 0;
};

// "row (b=0, s=5, g=1), entry 3: block 7 is selected twice, in entry 1 too"; empty: nothing is wrong.
std::string find_row_fault(const Problem& problem, const CheckedRow& row);

}  // namespace nsajit::templates
