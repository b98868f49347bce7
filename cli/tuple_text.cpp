// Tuple text: what differs between the tuples people compare comes first; defaults are left out.

#include "cli/tuple_text.h"

#include <fmt/format.h>

namespace nsajit::cli {
namespace {

// Scoring has no values, the gate no keys.
std::string head_sizes(const Problem& problem) {
  if (problem.branch == Branch::Scoring) return std::to_string(problem.dk);
  if (problem.branch == Branch::Gate) return std::to_string(problem.dv);
  return fmt::format("{}/{}", problem.dk, problem.dv);
}

// The sizes that the branch is about.
std::string branch_sizes(const Problem& problem) {
  if (problem.branch == Branch::Sliding) return fmt::format("w{}", problem.w);
  if (problem.branch == Branch::Compressed || problem.branch == Branch::Pooling)
    return fmt::format("l{}/{}", problem.l, problem.d);
  if (problem.branch == Branch::Gate) return "";
  const std::string blocks = fmt::format("{}x{}", problem.l_sel, problem.n_sel);
  return problem.branch == Branch::Scoring ? fmt::format("l{}/{} {}", problem.l, problem.d, blocks) : blocks;
}

// Its sizes name l and d anyway.
bool shows_compression(Branch branch) {
  return branch == Branch::Compressed || branch == Branch::Scoring || branch == Branch::Pooling;
}

}  // namespace

std::string short_problem(const Problem& problem) {
  std::string text =
      fmt::format("{} {} {} h{}", to_string(problem.branch), to_string(problem.dtype), head_sizes(problem), problem.group);
  if (const std::string sizes = branch_sizes(problem); !sizes.empty()) text += " " + sizes;
  const Problem usual;
  if (problem.pass != usual.pass) text += fmt::format(" {}", to_string(problem.pass));
  if (!shows_compression(problem.branch) && (problem.l != usual.l || problem.d != usual.d))
    text += fmt::format(" l{}/{}", problem.l, problem.d);
  if (problem.branch != Branch::Sliding && problem.w != usual.w) text += fmt::format(" w{}", problem.w);
  if (problem.layout != usual.layout) text += fmt::format(" {}", to_string(problem.layout));
  if (problem.input != usual.input) text += fmt::format(" {}", to_string(problem.input));
  return text;
}

std::string short_sizes(const Workload& workload) {
  std::string text = fmt::format("B{} S{} G{}", workload.B, workload.S, workload.G);
  if (workload.S_kv != workload.S) text += fmt::format(" S_kv{}", workload.S_kv);
  if (workload.n != workload.problem.n_sel) text += fmt::format(" n{}", workload.n);
  return text;
}

std::string short_overlap(const Workload& workload) {
  std::string text = fmt::format("{} %", workload.overlap_percent);
  if (workload.selection != 0) text += fmt::format(" recorded {}", selection_digits(workload.selection).substr(0, 8));
  return text;
}

std::string short_workload(const Workload& workload) {
  std::string text = short_sizes(workload);
  if (workload.overlap_percent != 0) text += fmt::format(" overlap{}", workload.overlap_percent);
  if (workload.selection != 0) text += fmt::format(" recorded {}", selection_digits(workload.selection).substr(0, 8));
  return text;
}

}  // namespace nsajit::cli
