#pragma once
// The CPU backend's ways in: its facts without starting a thread, and the device itself.

#include <memory>

#include "runtime/device.h"

namespace nsajit::runtime {

Target read_cpu_target(const Environment& environment);
// Throws Error{Driver} where threads cannot be started.
std::unique_ptr<Device> make_cpu_device(const Environment& environment);

}  // namespace nsajit::runtime
