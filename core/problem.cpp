// Problem: names, text form, validation and hash of the tuple.
#include "nsajit/problem.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/enum_names.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

constexpr EnumNames<Branch, 7> kBranches{{{Branch::Selection, "selection"},
                                          {Branch::Compressed, "compressed"},
                                          {Branch::Scoring, "scoring"},
                                          {Branch::Sliding, "sliding"},
                                          {Branch::Gate, "gate"},
                                          {Branch::Pooling, "pooling"},
                                          {Branch::Decode, "decode"}}};
constexpr EnumNames<Pass, 3> kPasses{{{Pass::Forward, "forward"}, {Pass::Backward, "backward"}, {Pass::Decode, "decode"}}};
constexpr EnumNames<DType, 3> kDTypes{{{DType::BF16, "bf16"}, {DType::FP16, "fp16"}, {DType::FP32, "fp32"}}};
constexpr EnumNames<Layout, 3> kLayouts{{{Layout::Grouped, "grouped"}, {Layout::Flash, "flash"}, {Layout::Varlen, "varlen"}}};
constexpr EnumNames<SelectionInput, 2> kInputs{{{SelectionInput::Ranges, "ranges"}, {SelectionInput::Blocks, "blocks"}}};

struct Size {
  std::string_view name;
  int Problem::*member;
};
constexpr std::array<Size, 8> kSizes{{{"dk", &Problem::dk},
                                      {"dv", &Problem::dv},
                                      {"l", &Problem::l},
                                      {"d", &Problem::d},
                                      {"l_sel", &Problem::l_sel},
                                      {"n_sel", &Problem::n_sel},
                                      {"w", &Problem::w},
                                      {"group", &Problem::group}}};

template <typename Enum, std::size_t N>
bool assign_word(const EnumNames<Enum, N>& names, std::string_view word, Enum& member) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.name == word; });
  if (found == names.end()) return false;
  member = found->value;
  return true;
}

// Which of the five enums a bare word set; 0 where none knows it.
int assign_any_word(Problem& problem, std::string_view word, bool first) {
  // "decode" is a branch and a pass: the branch leads the text form.
  if ((first || word != "decode") && assign_word(kBranches, word, problem.branch)) return 1;
  if (assign_word(kPasses, word, problem.pass)) return 2;
  if (assign_word(kDTypes, word, problem.dtype)) return 3;
  if (assign_word(kLayouts, word, problem.layout)) return 4;
  if (assign_word(kInputs, word, problem.input)) return 5;
  return 0;
}

template <typename Enum, std::size_t N>
void append_names(std::string& text, const EnumNames<Enum, N>& names) {
  for (const auto& entry : names) text.append(text.empty() ? "" : ", ").append(entry.name);
}

std::string accepted_words() {
  std::string text;
  append_names(text, kBranches);
  append_names(text, kPasses);
  append_names(text, kDTypes);
  append_names(text, kLayouts);
  append_names(text, kInputs);
  for (const Size& size : kSizes) text.append(", ").append(size.name).append("=");
  return text;
}

void assign_size(Problem& problem, const Field& field) {
  const std::string_view name = field.name == "h" ? "group" : field.name;
  const auto found = std::find_if(kSizes.begin(), kSizes.end(), [&](const Size& size) { return size.name == name; });
  if (found == kSizes.end()) throw_unknown("field of a problem", field.name, accepted_words());
  problem.*(found->member) = parse_int(*field.value, fmt::format("problem, field '{}'", field.name));
}

[[noreturn]] void throw_invalid(const Problem& problem, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("problem {}: {}", to_string(problem), why));
}

void check_head_size(const Problem& problem, std::string_view name, int value) {
  if (value >= 16 && value <= 256 && value % 16 == 0) return;
  throw_invalid(problem, fmt::format("{}={} is not served; head sizes are multiples of 16 in 16..256", name, value));
}

void check_at_least(const Problem& problem, std::string_view name, int value, int least) {
  if (value < least) throw_invalid(problem, fmt::format("{}={} is too small; at least {}", name, value, least));
}

void check_block(const Problem& problem, std::string_view name, int value) {
  check_at_least(problem, name, value, 1);
  if (value % problem.d == 0) return;
  throw_invalid(problem, fmt::format("{}={} is not a multiple of the compression stride d={}", name, value, problem.d));
}

}  // namespace

std::string_view to_string(Branch branch) { return find_enum_name(kBranches, branch); }
std::string_view to_string(Pass pass) { return find_enum_name(kPasses, pass); }
std::string_view to_string(DType dtype) { return find_enum_name(kDTypes, dtype); }
std::string_view to_string(Layout layout) { return find_enum_name(kLayouts, layout); }
std::string_view to_string(SelectionInput input) { return find_enum_name(kInputs, input); }

Branch parse_branch(std::string_view text) { return parse_enum_name(kBranches, text, "branch"); }
Pass parse_pass(std::string_view text) { return parse_enum_name(kPasses, text, "pass"); }
DType parse_dtype(std::string_view text) { return parse_enum_name(kDTypes, text, "dtype"); }
Layout parse_layout(std::string_view text) { return parse_enum_name(kLayouts, text, "layout"); }
SelectionInput parse_selection_input(std::string_view text) { return parse_enum_name(kInputs, text, "selection input"); }

std::string to_string(const Problem& problem) {
  std::string text = fmt::format("{},{},{}", to_string(problem.branch), to_string(problem.pass), to_string(problem.dtype));
  for (const Size& size : kSizes) fmt::format_to(std::back_inserter(text), ",{}={}", size.name, problem.*(size.member));
  return text + fmt::format(",{},{}", to_string(problem.layout), to_string(problem.input));
}

Problem parse_problem(std::string_view text) {
  Problem problem;
  std::array<bool, 6> given{};
  bool first = true;
  bool group_given = false;
  for (const Field& field : split_fields(text, "problem")) {
    const bool is_group = field.name == "h" || field.name == "group";
    if (is_group && group_given) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("problem '{}': 'h' and 'group' are the same field", text));
    }
    group_given = group_given || is_group;
    if (field.value) {
      assign_size(problem, field);
    } else {
      const auto kind = static_cast<std::size_t>(assign_any_word(problem, field.name, first));
      if (kind == 0) throw_unknown("word in a problem", field.name, accepted_words());
      if (given[kind]) {
        throw Error(ErrorCode::InvalidArgument,
                    fmt::format("problem '{}': '{}' is the second word of its kind", text, field.name));
      }
      given[kind] = true;
    }
    first = false;
  }
  return problem;
}

void validate(const Problem& problem) {
  check_head_size(problem, "dk", problem.dk);
  check_head_size(problem, "dv", problem.dv);
  check_at_least(problem, "d", problem.d, 1);
  check_block(problem, "l", problem.l);
  check_block(problem, "l_sel", problem.l_sel);
  check_at_least(problem, "n_sel", problem.n_sel, 1);
  check_at_least(problem, "w", problem.w, 0);
  if (problem.group < 1 || problem.group > 64) {
    throw_invalid(problem, fmt::format("group={} is not served; 1..64 query heads share a KV head", problem.group));
  }
}

std::size_t element_bytes(DType dtype) { return dtype == DType::FP32 ? 4 : 2; }

}  // namespace nsajit

std::size_t std::hash<nsajit::Problem>::operator()(const nsajit::Problem& problem) const noexcept {
  std::array<std::int64_t, 13> values{static_cast<std::int64_t>(problem.branch), static_cast<std::int64_t>(problem.pass),
                                      static_cast<std::int64_t>(problem.dtype), static_cast<std::int64_t>(problem.layout),
                                      static_cast<std::int64_t>(problem.input)};
  auto next = values.begin() + 5;
  for (const auto& size : nsajit::kSizes) *next++ = problem.*(size.member);
  return nsajit::hash_values(values);
}
