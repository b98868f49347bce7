#pragma once
// LaunchPlan: how the kernels of one unit are launched for a Workload. A step may be one of many (pack,
// then attend); all steps take the same argument struct and their own first row.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace nsajit {

struct LaunchStep {
  int entry = 0;                              // index into Unit::entries
  std::array<std::uint32_t, 3> grid{1, 1, 1}; // CUDA: blocks. CPU: grid[0] tasks of `block[0]` rows
  std::array<std::uint32_t, 3> block{1, 1, 1};
  std::uint32_t smem_bytes = 0;               // dynamic shared memory; CPU: scratch bytes per thread
  std::int64_t first_row = 0;                 // second kernel argument: where this step starts
};

struct LaunchPlan {
  std::vector<LaunchStep> steps;      // run in order on one stream
  std::int64_t workspace_bytes = 0;   // device memory the caller provides, 256-byte aligned
};

}  // namespace nsajit
