// Reasons first, since they name the cause; then the clock itself, for drivers that give no reasons.

#include "tuner/throttle.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace nsajit::tuner {
namespace {

struct Reason {
  std::uint64_t bit;
  std::string_view name;
};

// nvml.h, nvmlClocksEventReason*. Idle, a clock that the user has set and display settings are not throttling.
constexpr std::array<Reason, 6> kReasons{{{0x04, "power cap"},
                                          {0x08, "hardware slowdown"},
                                          {0x10, "sync boost"},
                                          {0x20, "thermal slowdown by the driver"},
                                          {0x40, "thermal slowdown by the hardware"},
                                          {0x80, "power brake"}}};

// A boost clock steps by 15 MHz, under 1 %, from one reading to the next; this is more than its wandering.
constexpr double kLargestFall = 0.05;

}  // namespace

std::string find_throttle(const runtime::ClockReading& before, const runtime::ClockReading& after) {
  std::string found;
  const std::uint64_t bits = before.limited_by.value_or(0) | after.limited_by.value_or(0);
  for (const Reason& reason : kReasons) {
    if ((bits & reason.bit) != 0) found += fmt::format("{}{}", found.empty() ? "" : ", ", reason.name);
  }
  if (!found.empty() || before.sm_mhz == 0 || after.sm_mhz == 0) return found;
  if (after.sm_mhz >= (1 - kLargestFall) * before.sm_mhz) return {};
  return fmt::format("SM clock fell from {} to {} MHz", before.sm_mhz, after.sm_mhz);
}

}  // namespace nsajit::tuner
