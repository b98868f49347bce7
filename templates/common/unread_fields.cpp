// UnreadFields: usual values are those of a default Problem.

#include "templates/common/unread_fields.h"

#include <numeric>
#include <utility>

namespace nsajit::templates {

Problem without_compression(Problem problem) {
  const Problem usual;
  problem.d = std::gcd(usual.d, problem.l_sel);
  problem.l = usual.l;
  return problem;
}

Problem without_selection(Problem problem) {
  const Problem usual;
  problem.l_sel = std::lcm(usual.l_sel, problem.d);
  problem.n_sel = usual.n_sel;
  problem.input = usual.input;
  return problem;
}

// A stride that divides the usual block length leaves room for the usual one.
Problem without_blocks(Problem problem) {
  return without_compression(without_selection(without_compression(std::move(problem))));
}

Problem without_window(Problem problem) {
  problem.w = Problem{}.w;
  return problem;
}

}  // namespace nsajit::templates
