// Config: printing, parsing and access by name.
#include "nsajit/config.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

[[noreturn]] void throw_malformed(std::string_view text, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("config '{}': {}; expected variant{{name=value,...}} with names of a-z, 0-9 and _", text, why));
}

std::map<std::string, int> parse_values(std::string_view text, std::string_view list) {
  std::map<std::string, int> values;
  for (const Field& field : split_fields(list, "config")) {
    if (!is_name(field.name)) throw_malformed(text, fmt::format("'{}' is not a parameter name", field.name));
    if (!field.value) throw_malformed(text, fmt::format("parameter '{}' has no value", field.name));
    values.emplace(field.name, parse_int(*field.value, fmt::format("config '{}', parameter '{}'", text, field.name)));
  }
  return values;
}

}  // namespace

int Config::at(std::string_view name) const {
  const auto found = values.find(std::string(name));
  if (found == values.end()) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("config {} has no parameter '{}'", to_string(*this), name));
  }
  return found->second;
}

std::string to_string(const Config& config) {
  std::string text = config.variant + "{";
  for (const auto& [name, value] : config.values) {
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.back() == '{' ? "" : ",", name, value);
  }
  return text + "}";
}

Config parse_config(std::string_view text) {
  const std::string_view whole = trim_blanks(text);
  const auto brace = whole.find('{');
  const std::string_view variant = trim_blanks(whole.substr(0, brace));
  if (!is_name(variant)) throw_malformed(text, fmt::format("'{}' is not a variant name", variant));
  if (brace == std::string_view::npos) return {.variant = std::string(variant), .values = {}};
  if (whole.back() != '}') throw_malformed(text, "the closing '}' is missing");
  const std::string_view list = whole.substr(brace + 1, whole.size() - brace - 2);
  return {.variant = std::string(variant), .values = parse_values(text, list)};
}

}  // namespace nsajit
