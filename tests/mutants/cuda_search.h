#pragma once
// CUDA search: the order in which a test's tuning tries configs, known without a GPU, so that a test which would
// reach no config of interest fails on every machine.

#include <cstddef>
#include <string>
#include <vector>

#include "nsajit/config.h"

namespace nsajit::testing {

struct SearchOrder {
  const char* strategy;
  std::size_t trials;
};
inline constexpr SearchOrder kFew{"exhaustive", 3};  // the default and two others
inline constexpr SearchOrder kMixed{"random", 24};   // long enough to meet every variant of selection
inline constexpr SearchOrder kLong{"random", 64};    // one variant in ten

// Flags of `nsajit tune` for a workload.
std::string search_flags(const std::string& tuple, const SearchOrder& search);

// What that tries on SM 90a, the baseline last.
std::vector<Config> tried_configs(const std::string& tuple, const SearchOrder& search);

}  // namespace nsajit::testing
