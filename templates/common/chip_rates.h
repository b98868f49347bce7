#pragma once
// Chip rates: what a machine moves per microsecond, measured on one NVIDIA H200 (docs/performance.md). What the models of
// all operations start from.

#include "nsajit/target.h"

namespace nsajit::templates {

inline constexpr double kHbmBytes = 4.3e6;  // of the chip: copies
inline constexpr double kLaunchUs = 2.6;

// Whose rates these are. A profile without a chip does not know how many processors there are.
bool has_known_rates(const Target& target);

}  // namespace nsajit::templates
