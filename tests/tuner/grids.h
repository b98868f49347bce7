#pragma once
// Grids: spaces of made-up configs whose costs are known, for tests of strategies.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nsajit/config.h"

namespace nsajit::testing {

// Every combination of the values; the last parameter runs fastest.
inline std::vector<Config> make_grid(const std::string& variant, const std::map<std::string, std::vector<int>>& dimensions) {
  std::vector<Config> grid{{.variant = variant}};
  for (const auto& [name, values] : dimensions) {
    std::vector<Config> longer;
    for (const Config& config : grid) {
      for (const int value : values) {
        longer.push_back(config);
        longer.back().values[name] = value;
      }
    }
    grid = std::move(longer);
  }
  return grid;
}

}  // namespace nsajit::testing
