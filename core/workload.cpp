// Workload: text form, validation and hash.
#include "nsajit/workload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

struct Given {
  bool keys = false;
  bool blocks = false;
};

std::uint64_t parse_selection(std::string_view digits, std::string_view what) {
  std::uint64_t selection = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), selection, 16);
  const bool whole = status == std::errc() && end == digits.data() + digits.size() && selection_digits(selection) == digits;
  if (whole && selection != 0) return selection;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("{}: '{}' is not the digest of a recorded selection, 16 hexadecimal digits", what, digits));
}

void assign_field(Workload& workload, Given& given, const Field& field) {
  constexpr std::string_view kAccepted = "B, S, S_kv, G, n, overlap, selection";
  const std::string what = fmt::format("workload, field '{}'", field.name);
  if (!field.value) throw_unknown("word in a workload", field.text, fmt::format("{}, each as name=number", kAccepted));
  if (field.name == "B") {
    workload.B = parse_integer(*field.value, what);
    return;
  }
  if (field.name == "S") {
    workload.S = parse_integer(*field.value, what);
    return;
  }
  if (field.name == "S_kv") {
    workload.S_kv = parse_integer(*field.value, what);
    given.keys = true;
    return;
  }
  if (field.name == "G") {
    workload.G = parse_integer(*field.value, what);
    return;
  }
  if (field.name == "n") {
    workload.n = parse_int(*field.value, what);
    given.blocks = true;
    return;
  }
  if (field.name == "overlap") {
    workload.overlap_percent = parse_int(*field.value, what);
    return;
  }
  if (field.name == "selection") {
    workload.selection = parse_selection(*field.value, what);
    return;
  }
  throw_unknown("field of a workload", field.name, kAccepted);
}

[[noreturn]] void throw_invalid(const Workload& workload, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("workload {}: {}", to_string(workload), why));
}

void check_positive(const Workload& workload, std::string_view name, std::int64_t value) {
  if (value < 1) throw_invalid(workload, fmt::format("{}={} is too small; at least 1", name, value));
}

}  // namespace

std::string to_string(const Workload& workload) {
  const std::string recorded = workload.selection == 0 ? "" : ",selection=" + selection_digits(workload.selection);
  return fmt::format("{};B={},S={},S_kv={},G={},n={},overlap={}{}", to_string(workload.problem), workload.B, workload.S,
                     workload.S_kv, workload.G, workload.n, workload.overlap_percent, recorded);
}

std::string selection_digits(std::uint64_t selection) { return fmt::format("{:016x}", selection); }

Workload parse_workload(std::string_view text) {
  const auto semicolon = std::min(text.find(';'), text.size());
  Workload workload{.problem = parse_problem(text.substr(0, semicolon))};
  Given given;
  const std::string_view sizes = semicolon < text.size() ? text.substr(semicolon + 1) : std::string_view();
  for (const Field& field : split_fields(sizes, "workload")) assign_field(workload, given, field);
  if (!given.keys) workload.S_kv = workload.S;
  if (!given.blocks) workload.n = workload.problem.n_sel;
  return workload;
}

void validate(const Workload& workload) {
  validate(workload.problem);
  check_positive(workload, "B", workload.B);
  check_positive(workload, "S", workload.S);
  check_positive(workload, "S_kv", workload.S_kv);
  check_positive(workload, "G", workload.G);
  check_positive(workload, "n", workload.n);
  if (workload.S_kv > std::numeric_limits<std::int32_t>::max()) {
    throw_invalid(workload, "S_kv is too large; token positions are 32-bit in ranges and block indices");
  }
  if (workload.S > workload.S_kv) throw_invalid(workload, "S is larger than S_kv; the queries are the last S of S_kv positions");
  if (workload.n > workload.problem.n_sel) {
    throw_invalid(workload, fmt::format("n={} is larger than n_sel={}", workload.n, workload.problem.n_sel));
  }
  const std::int64_t blocks = (workload.S_kv + workload.problem.l_sel - 1) / workload.problem.l_sel;
  // A model pads its rows with unused entries, however short the sequence is; other branches select nothing, or as many
  // blocks as there are.
  if (workload.problem.branch == Branch::Selection && workload.selection == 0 && workload.n > blocks) {
    throw_invalid(workload, fmt::format("n={} blocks are selected of {} that exist (S_kv={}, l_sel={}); lower n or raise S_kv",
                                        workload.n, blocks, workload.S_kv, workload.problem.l_sel));
  }
  if (workload.overlap_percent < 0 || workload.overlap_percent > 100) {
    throw_invalid(workload, fmt::format("overlap={} is not a percentage; 0..100", workload.overlap_percent));
  }
  const bool recorded = workload.selection != 0, packed = workload.problem.layout == Layout::Varlen;
  if (recorded && workload.problem.branch != Branch::Selection)
    throw_invalid(workload, "only the selection branch runs on a recorded selection");
  if (recorded && packed)
    throw_invalid(workload, "a recorded selection has rows for sequences of one length; layout varlen has others");
  if (packed && workload.S != workload.S_kv) {
    throw_invalid(workload,
                  fmt::format("S={} is not S_kv={}; packed sequences (varlen) have as many keys as rows: give both the longest "
                              "length",
                              workload.S, workload.S_kv));
  }
}

}  // namespace nsajit

std::size_t std::hash<nsajit::Workload>::operator()(const nsajit::Workload& workload) const noexcept {
  const std::array<std::int64_t, 8> values{static_cast<std::int64_t>(std::hash<nsajit::Problem>()(workload.problem)),
                                           workload.B,
                                           workload.S,
                                           workload.S_kv,
                                           workload.G,
                                           workload.n,
                                           workload.overlap_percent,
                                           static_cast<std::int64_t>(workload.selection)};
  return nsajit::hash_values(values);
}
