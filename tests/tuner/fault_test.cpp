// Which class of trial a driver's message means.

#include "tuner/fault.h"

#include <new>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

using nsajit::Error;
using nsajit::ErrorCode;
using nsajit::cache::TrialStatus;
using nsajit::tuner::classify_fault;

TEST_CASE("driver errors become the class that their name says") {
  const auto [text, status, lost] = GENERATE(table<const char*, TrialStatus, bool>({
      {"synchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700)", TrialStatus::IllegalAccess, true},
      {"synchronize: CUDA_ERROR_MISALIGNED_ADDRESS (716)", TrialStatus::IllegalAccess, true},
      {"allocate 8 GB: out of memory (CUDA_ERROR_OUT_OF_MEMORY)", TrialStatus::OutOfMemory, false},
      {"allocate 8 GB: out of memory", TrialStatus::OutOfMemory, false},
      {"launch k: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)", TrialStatus::Resources, false},
      {"raise shared memory of k: CUDA_ERROR_INVALID_VALUE (1)", TrialStatus::Resources, false},
      {"synchronize: CUDA_ERROR_LAUNCH_TIMEOUT (702)", TrialStatus::Hang, true},
      {"synchronize: CUDA_ERROR_LAUNCH_FAILED (719)", TrialStatus::Launch, true},
      {"synchronize: CUDA_ERROR_ILLEGAL_INSTRUCTION (715)", TrialStatus::Launch, true},
      {"load k: CUDA_ERROR_NO_BINARY_FOR_GPU (209)", TrialStatus::Launch, false},
  }));
  const auto fault = classify_fault(Error(ErrorCode::Driver, text));
  CHECK(fault.status == status);
  CHECK(fault.device_lost == lost);
  CHECK(fault.reason == text);
}

TEST_CASE("a failed host allocation is out of memory") {
  CHECK(classify_fault(std::bad_alloc()).status == TrialStatus::OutOfMemory);
}

TEST_CASE("an error that is not the driver's is a crash") {
  CHECK(classify_fault(Error(ErrorCode::InvalidArgument, "config has no tile")).status == TrialStatus::Crash);
}
