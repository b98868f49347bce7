#pragma once
// Residency: how many blocks of threads an SM holds at once.

#include <cstdint>

#include "nsajit/launch_plan.h"
#include "nsajit/target.h"

namespace nsajit::templates {

inline constexpr std::int64_t kSmemReserved = 1024;  // of each block's shared memory, the driver's

// As shared memory, registers (of a thread) and threads allow; at least 1.
double resident_blocks(const LaunchStep& step, int registers, const Target& target);

}  // namespace nsajit::templates
