// Classes of driver errors. The names are those of cuda.h (CUresult); "sticky" is what its comments call
// errors after which the process must be terminated and relaunched.

#include "tuner/fault.h"

#include <new>
#include <span>
#include <string_view>

#include "nsajit/error.h"

namespace nsajit::tuner {
namespace {

using cache::TrialStatus;

struct Pattern {
  std::string_view text;
  TrialStatus status;
  bool device_lost;
};

// The first that occurs in the message decides: longer names stand before those that they contain.
constexpr Pattern kPatterns[] = {
    {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", TrialStatus::Resources, false},
    {"CUDA_ERROR_OUT_OF_MEMORY", TrialStatus::OutOfMemory, false},
    {"CUDA_ERROR_LAUNCH_TIMEOUT", TrialStatus::Hang, true},
    {"CUDA_ERROR_ILLEGAL_ADDRESS", TrialStatus::IllegalAccess, true},
    {"CUDA_ERROR_MISALIGNED_ADDRESS", TrialStatus::IllegalAccess, true},
    {"CUDA_ERROR_INVALID_ADDRESS_SPACE", TrialStatus::IllegalAccess, true},
    {"CUDA_ERROR_INVALID_PC", TrialStatus::IllegalAccess, true},
    {"CUDA_ERROR_HARDWARE_STACK_ERROR", TrialStatus::IllegalAccess, true},
    {"CUDA_ERROR_ILLEGAL_INSTRUCTION", TrialStatus::Launch, true},
    {"CUDA_ERROR_ASSERT", TrialStatus::Launch, true},
    {"CUDA_ERROR_LAUNCH_FAILED", TrialStatus::Launch, true},
    {"CUDA_ERROR_ECC_UNCORRECTABLE", TrialStatus::Crash, true},
    {"CUDA_ERROR_UNKNOWN", TrialStatus::Crash, true},
    // Raised where a plan asks for more shared memory or threads than the SM has.
    {"CUDA_ERROR_INVALID_VALUE", TrialStatus::Resources, false},
    {"out of memory", TrialStatus::OutOfMemory, false},
};

}  // namespace

Fault classify_fault(const std::exception& error) {
  const std::string reason = error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return {.status = TrialStatus::OutOfMemory, .reason = "the host is out of memory: " + reason};
  for (const Pattern& pattern : kPatterns)
    if (reason.find(pattern.text) != std::string::npos)
      return {.status = pattern.status, .device_lost = pattern.device_lost, .reason = reason};
  const auto* known = dynamic_cast<const Error*>(&error);
  const bool driver = known != nullptr && known->code() == ErrorCode::Driver;
  return {.status = driver ? TrialStatus::Launch : TrialStatus::Crash, .reason = reason};
}

}  // namespace nsajit::tuner
