// Fields: see fields.h.
#include "core/fields.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit {
namespace {

Field make_field(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {.text = text, .name = text, .value = std::nullopt};
  return {.text = text, .name = trim_blanks(text.substr(0, equals)), .value = trim_blanks(text.substr(equals + 1))};
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<Field> split_fields(std::string_view text, std::string_view what) {
  std::vector<Field> fields;
  if (trim_blanks(text).empty()) return fields;
  std::set<std::string_view> seen;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const Field field = make_field(trim_blanks(text.substr(begin, comma - begin)));
    if (field.name.empty()) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{} '{}': an empty field; fields are separated by single commas", what, text));
    }
    if (field.value && !seen.insert(field.name).second) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("{} '{}': '{}' is given twice", what, text, field.name));
    }
    fields.push_back(field);
    begin = comma + 1;
  }
  return fields;
}

std::int64_t parse_integer(std::string_view text, std::string_view what) {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc::result_out_of_range) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: '{}' does not fit a 64-bit integer", what, text));
  }
  if (status != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: '{}' is not a whole number", what, text));
  }
  return value;
}

int parse_int(std::string_view text, std::string_view what) {
  const std::int64_t value = parse_integer(text, what);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: '{}' does not fit a 32-bit integer", what, text));
  }
  return static_cast<int>(value);
}

void throw_unknown(std::string_view what, std::string_view text, std::string_view accepted) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("unknown {} '{}'; accepted: {}", what, text, accepted));
}

}  // namespace nsajit
