// Thresholds fitted on ladders written by hand.

#include "tuner/thresholds.h"

#include <limits>

#include <catch2/catch_all.hpp>

using nsajit::tuner::fit_threshold;

TEST_CASE("the threshold is the smallest length of the winning end") {
  CHECK(fit_threshold({{64, 10, 5}, {128, 10, 12}, {256, 10, 20}, {512, 10, 40}}, 1.2) == 128);
}

TEST_CASE("a win below a loss does not count") {
  CHECK(fit_threshold({{64, 10, 50}, {128, 10, 50}, {256, 10, 11}, {512, 10, 40}}, 1.2) == 512);
}

TEST_CASE("a loss at the longest length means never") {
  CHECK(fit_threshold({{64, 10, 50}, {128, 10, 50}, {256, 10, 11}}, 1.2) == -1);
}

TEST_CASE("winning everywhere gives the smallest measured length") { CHECK(fit_threshold({{64, 1, 2}, {128, 1, 2}}, 1.2) == 64); }

TEST_CASE("an empty ladder means never") { CHECK(fit_threshold({}, 1.2) == -1); }

TEST_CASE("the ladder's order does not matter") {
  CHECK(fit_threshold({{512, 10, 40}, {64, 10, 5}, {256, 10, 20}, {128, 10, 12}}, 1.2) == 128);
}

TEST_CASE("exactly the margin is a win") {
  CHECK(fit_threshold({{64, 10, 12}}, 1.2) == 64);
  CHECK(fit_threshold({{64, 10, 11.999}}, 1.2) == -1);
}

TEST_CASE("points of equal length stand or fall together") {
  CHECK(fit_threshold({{64, 10, 20}, {128, 10, 20}, {64, 10, 5}}, 1.2) == 128);
  CHECK(fit_threshold({{64, 10, 5}, {128, 10, 20}, {64, 10, 20}}, 1.2) == 128);
  CHECK(fit_threshold({{64, 10, 20}, {128, 10, 20}, {64, 10, 30}}, 1.2) == 64);
}

TEST_CASE("a time that was not taken is not a win") {
  CHECK(fit_threshold({{64, 0, 20}}, 1.2) == -1);
  CHECK(fit_threshold({{64, 10, 0}}, 1.2) == -1);
  CHECK(fit_threshold({{64, std::numeric_limits<double>::quiet_NaN(), 20}}, 1.2) == -1);
}
