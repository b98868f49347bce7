// Throttling as it shows in the clocks.

#include "tuner/throttle.h"

#include <catch2/catch_all.hpp>

using nsajit::tuner::find_throttle;

TEST_CASE("what the driver names as a limit is named") {
  CHECK(find_throttle({.sm_mhz = 1980, .limited_by = 0}, {.sm_mhz = 1980, .limited_by = 0x44}) ==
        "power cap, thermal slowdown by the hardware");
}

TEST_CASE("an idle GPU, or clocks that the user set, are no throttling") {
  CHECK(find_throttle({.limited_by = 0x1}, {.limited_by = 0x2}).empty());
}

TEST_CASE("a clock that falls is throttling though no reason is given") {
  CHECK(find_throttle({.sm_mhz = 1980}, {.sm_mhz = 1410}) == "SM clock fell from 1980 to 1410 MHz");
  CHECK(find_throttle({.sm_mhz = 1980}, {.sm_mhz = 1965}).empty());
}

TEST_CASE("a device that tells nothing is not called throttled") { CHECK(find_throttle({}, {}).empty()); }
