// Speed-ups between lengths, on ladders written by hand.

#include "runtime/expected_speed_up.h"

#include <cmath>

#include <catch2/catch_all.hpp>

using Catch::Matchers::WithinAbs;
using nsajit::runtime::expected_speed_up;

TEST_CASE("at a raced length the speed-up is the one that was measured") {
  CHECK_THAT(expected_speed_up({{64, 10, 5}, {128, 10, 20}}, 64), WithinAbs(0.5, 1e-9));
  CHECK_THAT(expected_speed_up({{64, 10, 5}, {128, 10, 20}}, 128), WithinAbs(2.0, 1e-9));
}

TEST_CASE("between two lengths times that follow powers of the length are met exactly") {
  // 2 * n against 0.25 * n^1.5: equal at 64.
  const auto ladder = std::vector<nsajit::cache::LadderPoint>{{16, 32, 16}, {256, 512, 1024}};
  CHECK_THAT(expected_speed_up(ladder, 64), WithinAbs(1.0, 1e-9));
  CHECK_THAT(expected_speed_up(ladder, 128), WithinAbs(std::sqrt(2.0), 1e-9));
  CHECK(expected_speed_up(ladder, 20) < 1);
}

TEST_CASE("only the two lengths around the asked one count") {
  const auto ladder = std::vector<nsajit::cache::LadderPoint>{{16, 10, 80}, {32, 10, 8}, {64, 10, 20}, {128, 10, 5}};
  CHECK(expected_speed_up(ladder, 48) > 1);
  CHECK(expected_speed_up(ladder, 120) < 1);
}

TEST_CASE("beyond the raced lengths the nearest one's speed-up holds") {
  CHECK_THAT(expected_speed_up({{64, 10, 5}, {128, 10, 20}}, 1), WithinAbs(0.5, 1e-9));
  CHECK_THAT(expected_speed_up({{64, 10, 5}, {128, 10, 20}}, 100'000), WithinAbs(2.0, 1e-9));
}

TEST_CASE("where the winner failed, and next to it, nothing is expected of it") {
  const auto ladder = std::vector<nsajit::cache::LadderPoint>{{64, 0, 30}, {128, 10, 20}};
  CHECK(expected_speed_up(ladder, 10) == 0);
  CHECK(expected_speed_up(ladder, 64) == 0);
  CHECK(expected_speed_up(ladder, 127) == 0);
  CHECK_THAT(expected_speed_up(ladder, 128), WithinAbs(2.0, 1e-9));
}

TEST_CASE("of points of one length the worst counts") {
  const auto ladder = std::vector<nsajit::cache::LadderPoint>{{64, 10, 20}, {64, 10, 5}, {128, 10, 40}, {128, 10, 20}};
  CHECK_THAT(expected_speed_up(ladder, 64), WithinAbs(0.5, 1e-9));
  CHECK_THAT(expected_speed_up(ladder, 128), WithinAbs(2.0, 1e-9));
  CHECK_THAT(expected_speed_up(ladder, 90), WithinAbs(1.0, 0.02));
  CHECK_THAT(expected_speed_up(ladder, 500), WithinAbs(2.0, 1e-9));
}
