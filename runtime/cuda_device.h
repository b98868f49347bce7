#pragma once
// The CUDA backend's ways in. cuda_absent.cpp answers in its place where the build has no CUDA headers.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace nsajit::runtime {

struct CudaList {
  std::vector<Target> targets;
  std::optional<std::string> absent_reason;   // set where there is none
};

// Never throws: no driver, a stub or no GPU is a reason.
CudaList list_cuda(const Environment& environment);
// Throws Error{Driver} where there is no such GPU.
std::unique_ptr<Device> make_cuda_device(int ordinal, const Environment& environment);

}  // namespace nsajit::runtime
