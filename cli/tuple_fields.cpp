// Tuple fields: the table, and how each value reaches its member.

#include "cli/tuple_fields.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/fields.h"
#include "nsajit/error.h"
#include "templates/selection/selection_recording.h"

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
      {"overlap", true, "percent of blocks that neighbouring queries share; several: 0,50"},
  };
  return fields;
}

TupleBuilder::TupleBuilder(std::string_view problem_text) : workload_(parse_workload(problem_text)) {
  const std::size_t semicolon = std::min(problem_text.find(';'), problem_text.size());
  for (const std::string_view part : {problem_text.substr(0, semicolon), problem_text.substr(semicolon)}) {
    for (const Field& field : split_fields(part.substr(part.starts_with(';') ? 1 : 0), "problem"))
      given_.emplace(field.text == "ranges" || field.text == "blocks" ? "input" : field.name);
  }
}

void TupleBuilder::set(std::string_view name, std::string_view value) {
  set_field(name, value);
  given_.emplace(name);
}

void TupleBuilder::set_field(std::string_view name, std::string_view value) {
  if (set_word(workload_.problem, name, value)) return;
  if (const auto number = find_entry(kProblemNumbers, name); number != kProblemNumbers.end()) {
    workload_.problem.*(number->member) = parse_int(value, name);
    return;
  }
  if (const auto size = find_entry(kSizes, name); size != kSizes.end()) {
    workload_.*(size->member) = parse_integer(value, name);
    return;
  }
  if (name == "n") {
    workload_.n = parse_int(value, name);
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
  if (!given("S_kv")) workload.S_kv = workload.S;
  if (!given("n")) workload.n = workload.problem.n_sel;
  return workload;
}

Workload TupleBuilder::build(const Recording& recording) const {
  Workload workload = workload_;
  if (!given("S_kv")) workload.S_kv = recording.sel.spec.shape[1];
  workload = templates::make_recorded_workload(workload, recording);
  if (!given("n_sel")) workload.problem.n_sel = workload.n;
  check_agreement(workload, recording);
  validate(workload);
  templates::check_recording(workload, recording);
  return workload;
}

// What was given of what the file decides is to be what the file says.
void TupleBuilder::check_agreement(const Workload& recorded, const Recording& recording) const {
  const auto check = [&](std::string_view name, const auto& wanted, const auto& found) {
    if (!given(name) || wanted == found) return;
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}={} was given, but the recorded selection {} has {}={}; leave {} out, the file decides", name,
                            wanted, recording.path, name, found, name));
  };
  check("selection", selection_digits(workload_.selection), selection_digits(recorded.selection));
  check("B", workload_.B, recorded.B);
  check("S", workload_.S, recorded.S);
  check("G", workload_.G, recorded.G);
  check("n", workload_.n, recorded.n);
  check("overlap", workload_.overlap_percent, recorded.overlap_percent);
  check("input", to_string(workload_.problem.input), to_string(recorded.problem.input));
}

}  // namespace nsajit::cli
