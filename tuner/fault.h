#pragma once
// Fault: what an exception of the device says about the candidate that was running. Pure.

#include <exception>
#include <string>

#include "cache/records.h"

namespace nsajit::tuner {

struct Fault {
  cache::TrialStatus status = cache::TrialStatus::Crash;
  bool device_lost = false;  // CUDA: the context answers every later call with this error
  std::string reason;
};

// By the driver's error name in the message: Device reports all of them as Error{Driver}.
Fault classify_fault(const std::exception& error);

}  // namespace nsajit::tuner
