// Tuple fields: the table, and how each value reaches its member.

#include "cli/tuple_fields.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/fields.h"

namespace nsajit::cli {
namespace {

struct ProblemNumber {
  std::string_view name;
  int Problem::*member;
};
constexpr std::array<ProblemNumber, 8> kProblemNumbers{{{"dk", &Problem::dk},
                                                        {"dv", &Problem::dv},
                                                        {"l", &Problem::l},
                                                        {"d", &Problem::d},
                                                        {"l_sel", &Problem::l_sel},
                                                        {"n_sel", &Problem::n_sel},
                                                        {"w", &Problem::w},
                                                        {"group", &Problem::group}}};
struct Size {
  std::string_view name;
  std::int64_t Workload::*member;
};
constexpr std::array<Size, 4> kSizes{{{"B", &Workload::B}, {"S", &Workload::S}, {"S_kv", &Workload::S_kv}, {"G", &Workload::G}}};

template <typename Table>
auto find_entry(const Table& table, std::string_view name) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.name == name; });
}

bool set_word(Problem& problem, std::string_view name, std::string_view value) {
  if (name == "branch")
    problem.branch = parse_branch(value);
  else if (name == "pass")
    problem.pass = parse_pass(value);
  else if (name == "dtype")
    problem.dtype = parse_dtype(value);
  else if (name == "layout")
    problem.layout = parse_layout(value);
  else if (name == "input")
    problem.input = parse_selection_input(value);
  else
    return false;
  return true;
}

}  // namespace

const std::vector<TupleField>& tuple_fields() {
  static const std::vector<TupleField> fields{
      {"branch", false, "selection"},
      {"pass", false, "forward"},
      {"dtype", false, "bf16, fp16 or fp32"},
      {"dk", true, "head size of Q and K"},
      {"dv", true, "head size of V and O"},
      {"l", true, "compression block length"},
      {"d", true, "compression stride; divides l and l_sel"},
      {"l_sel", true, "selection block length, tokens"},
      {"n_sel", true, "most selected blocks per query row"},
      {"w", true, "sliding window, tokens"},
      {"group", true, "query heads per KV head"},
      {"layout", false, "grouped, flash or varlen"},
      {"input", false, "ranges or blocks"},
      {"B", true, "batch"},
      {"S", true, "query rows per sequence"},
      {"S_kv", true, "keys per sequence; S where not given"},
      {"G", true, "KV heads"},
      {"n", true, "selected blocks per row at run time; n_sel where not given"},
      {"overlap", true, "percent of blocks that neighbouring queries share"},
  };
  return fields;
}

void TupleBuilder::set(std::string_view name, std::string_view value) {
  if (set_word(workload_.problem, name, value)) return;
  if (const auto number = find_entry(kProblemNumbers, name); number != kProblemNumbers.end()) {
    workload_.problem.*(number->member) = parse_int(value, name);
    return;
  }
  if (const auto size = find_entry(kSizes, name); size != kSizes.end()) {
    workload_.*(size->member) = parse_integer(value, name);
    given_.keys_given = given_.keys_given || name == "S_kv";
    return;
  }
  if (name == "n") {
    workload_.n = parse_int(value, name);
    given_.blocks_given = true;
    return;
  }
  if (name == "overlap") {
    workload_.overlap_percent = parse_int(value, name);
    return;
  }
  std::string known;
  for (const auto& field : tuple_fields()) known += fmt::format("{}{}", known.empty() ? "" : ", ", field.name);
  throw_unknown("field of a tuple", name, known);
}

Workload TupleBuilder::build() const {
  Workload workload = workload_;
  if (!given_.keys_given) workload.S_kv = workload.S;
  if (!given_.blocks_given) workload.n = workload.problem.n_sel;
  return workload;
}

}  // namespace nsajit::cli
