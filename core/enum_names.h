#pragma once
// EnumNames: the texts of an enum's values, one table that both the printer and the parser read, so that
// what is printed can always be read back.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/fields.h"

namespace nsajit {

template <typename Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

template <typename Enum, std::size_t N>
using EnumNames = std::array<EnumName<Enum>, N>;

template <typename Enum, std::size_t N>
constexpr std::string_view find_enum_name(const EnumNames<Enum, N>& names, Enum value) {
  for (const auto& entry : names) {
    if (entry.value == value) return entry.name;
  }
  return "unknown";
}

// Throws Error{InvalidArgument} with the text and every accepted name; `what` is the noun for the message.
template <typename Enum, std::size_t N>
Enum parse_enum_name(const EnumNames<Enum, N>& names, std::string_view text, std::string_view what) {
  std::string accepted;
  for (const auto& entry : names) {
    if (entry.name == text) return entry.value;
    accepted.append(accepted.empty() ? "" : ", ").append(entry.name);
  }
  throw_unknown(what, text, accepted);
}

}  // namespace nsajit
