#pragma once
// Chip rates: what a machine moves per microsecond, measured on one NVIDIA H200 (docs/performance.md). What the models of
// all operations start from.

#include "nsajit/target.h"

namespace nsajit::templates {

inline constexpr double kHbmBytes = 4.3e6;  // of the chip: copies
inline constexpr double kLaunchUs = 2.6;

// Measured, of one SM at 1.98 GHz from figures of the whole chip of 132: shared memory 31 TB/s, L2 9 TB/s, mma.sync 635 and
// wgmma 790 TFLOP/s (bf16). Per microsecond.
inline constexpr double kChipSms = 132;
inline constexpr double kSmemPerSm = 31e6 / kChipSms;
inline constexpr double kMmaPerSm = 635e6 / kChipSms;
inline constexpr double kWgmmaPerSm = 790e6 / kChipSms;
inline constexpr double kL2Bytes = 9.0e6 / kChipSms;  // of an SM: L2 to it
inline constexpr double kExponentialsPerSm = 3.9e6 / kChipSms;

// Whose rates these are. A profile without a chip does not know how many processors there are.
bool has_known_rates(const Target& target);

}  // namespace nsajit::templates
