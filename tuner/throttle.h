#pragma once
// Throttle: says from two readings of the clocks, before and after a measurement, whether the device was held back
// while it was timed. Pure; what a machine cannot tell is "not known", never a verdict.

#include <string>

#include "runtime/device.h"

namespace nsajit::tuner {

// "" where nothing is known to have held the device back: "thermal slowdown", "SM clock fell from 1980 to 1410 MHz".
std::string find_throttle(const runtime::ClockReading& before, const runtime::ClockReading& after);

}  // namespace nsajit::tuner
