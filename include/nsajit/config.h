#pragma once
// Config: one choice of kernel variant and tile parameters. Self-describing (names and values, never an
// index into a list), so a stored winner means the same thing after the search space has changed.

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nsajit {

struct Config {
  std::string variant;                    // "query_major", "packed_sdpa", ...
  std::map<std::string, int> values;      // tile parameters by name

  // Throws Error{InvalidArgument} naming the config where `name` is not one of its parameters.
  int at(std::string_view name) const;
  auto operator<=>(const Config&) const = default;
};

// "query_major{stages=3,warps=4}": names in alphabetical order.
std::string to_string(const Config& config);
Config parse_config(std::string_view text);

}  // namespace nsajit
