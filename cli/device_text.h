#pragma once
// Device text: reads back the Target that a device's identity in the cache was printed from, as far as it says.

#include <optional>
#include <string_view>

#include "nsajit/target.h"

namespace nsajit::cli {

// "cuda;name=NVIDIA H200;arch=90a;processors=132;memory=140GiB;l2=61440KiB;...": the limits of an SM come from
// cuda_profile. nullopt: not a CUDA device, or an SM that this build does not know.
std::optional<Target> find_device_target(std::string_view device);

}  // namespace nsajit::cli
