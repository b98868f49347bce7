#pragma once
// Fields: the "word,name=value,name=value" texts that the nouns print and read back.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nsajit {

struct Field {
  std::string_view text;                  // as written, for messages
  std::string_view name;                  // the part before '=', or the whole word
  std::optional<std::string_view> value;  // nullopt: a bare word
};

// Splits at commas and trims blanks; empty text has no fields. The views point into `text`.
// Throws Error{InvalidArgument} for an empty field or a name that has two values; `what` is the noun being
// read. Bare words may repeat: "decode" means two things in a problem.
std::vector<Field> split_fields(std::string_view text, std::string_view what);

std::string_view trim_blanks(std::string_view text);

// The whole of `text` as a decimal number. Throws Error{InvalidArgument} naming `what` and the text where
// it is not one, or does not fit.
std::int64_t parse_integer(std::string_view text, std::string_view what);
int parse_int(std::string_view text, std::string_view what);

// Throws Error{InvalidArgument}: "unknown <what> '<text>'; accepted: <accepted>".
[[noreturn]] void throw_unknown(std::string_view what, std::string_view text, std::string_view accepted);

}  // namespace nsajit
