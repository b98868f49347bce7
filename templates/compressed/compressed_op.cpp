// CompressedOp: a compressed token more every d tokens, from the l-th on.

#include "templates/compressed/compressed_op.h"

#include "templates/common/compression.h"
#include "templates/common/unread_fields.h"

namespace nsajit::templates {

Problem CompressedOp::canonical(const Problem& problem) const { return without_window(without_selection(problem)); }

std::string_view CompressedOp::threshold_name(const Problem&) const { return "NSA_FA2_MIN_LEN_CMP"; }

std::int64_t CompressedOp::threshold_length(const Workload& workload) const {
  return count_compressed(workload.problem, workload.S_kv);
}

std::int64_t CompressedOp::tokens_for(const Problem& problem, std::int64_t length) const {
  return (length - 1) * problem.d + problem.l;
}

// The first compressed token, the second one, and more of them than any tile of keys holds.
std::vector<std::int64_t> CompressedOp::turning_points(const Problem& problem) const {
  return {problem.l, problem.l + problem.d, tokens_for(problem, 140)};
}

}  // namespace nsajit::templates
