#pragma once
// SampleContent: content as several machines might have measured it: overlapping keys, other outcomes.

#include <cstdint>

#include "cache/content.h"

namespace nsajit::cache {

struct ContentShape {
  int trials = 20;         // of as many configs, a few of them failures
  int winners = 5;         // of as many searches
  std::uint64_t seed = 1;  // what differs between two machines: times, samples, days, who failed
};

// Consistent: find_dangling and find_fault find nothing.
Content sample_content(const ContentShape& shape);

}  // namespace nsajit::cache
