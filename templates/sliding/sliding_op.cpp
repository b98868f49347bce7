// SlidingOp: the window is fixed by the tuple, so shorter ones are those of shorter sequences.

#include "templates/sliding/sliding_op.h"

#include <algorithm>

#include "templates/common/unread_fields.h"

namespace nsajit::templates {

Problem SlidingOp::canonical(const Problem& problem) const { return without_blocks(problem); }

std::string_view SlidingOp::threshold_name(const Problem&) const { return "NSA_FA2_MIN_LEN_WIN"; }

std::int64_t SlidingOp::threshold_length(const Workload& workload) const {
  return std::min<std::int64_t>(workload.problem.w, workload.S_kv);
}

std::int64_t SlidingOp::tokens_for(const Problem&, std::int64_t length) const { return length; }

// Where the window is full for the first time, and where it has left the first tokens behind.
std::vector<std::int64_t> SlidingOp::turning_points(const Problem& problem) const {
  return {std::max(problem.w, 1), std::max(problem.w, 1) + 64};
}

}  // namespace nsajit::templates
