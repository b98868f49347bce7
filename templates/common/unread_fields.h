#pragma once
// UnreadFields: what an operation never reads of a tuple gets its usual value, or the nearest one that leaves the tuple
// possible: the stride divides both block lengths. For Op::canonical.

#include "nsajit/problem.h"

namespace nsajit::templates {

Problem without_compression(Problem problem);  // l, d
Problem without_selection(Problem problem);    // l_sel, n_sel, input
Problem without_blocks(Problem problem);       // both
Problem without_window(Problem problem);       // w

}  // namespace nsajit::templates
