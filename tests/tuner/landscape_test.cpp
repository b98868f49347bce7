// Landscape: traits by name and steps between configs.

#include "tuner/landscape.h"

#include <catch2/catch_all.hpp>

#include "tests/tuner/grids.h"

using nsajit::Config;
using nsajit::testing::make_grid;
using nsajit::tuner::make_landscape;

TEST_CASE("neighbours differ in one parameter by one step") {
  const auto landscape = make_landscape(make_grid("a", {{"stages", {1, 2, 3}}, {"tile", {16, 64, 256}}}));
  // stages=2, tile=64 stands in the middle: index 4.
  CHECK(landscape.neighbours[4] == std::vector<std::size_t>{1, 3, 5, 7});
  CHECK(landscape.neighbours[0] == std::vector<std::size_t>{1, 3});
}

TEST_CASE("configs of two variants are no neighbours") {
  const auto landscape =
      make_landscape(std::vector{Config{"a", {{"tile", 1}}}, Config{"a", {{"tile", 2}}}, Config{"b", {{"tile", 1}}}});
  CHECK(landscape.neighbours[0] == std::vector<std::size_t>{1});
  CHECK(landscape.neighbours[2].empty());
}

TEST_CASE("where a constraint leaves no step, the nearest config is the neighbour") {
  const auto landscape = make_landscape(
      std::vector{Config{"a", {{"x", 1}, {"y", 1}}}, Config{"a", {{"x", 2}, {"y", 2}}}, Config{"a", {{"x", 3}, {"y", 4}}}});
  CHECK(landscape.neighbours[0] == std::vector<std::size_t>{1});
}

TEST_CASE("traits are named by variant, parameter and value") {
  const auto landscape = make_landscape(std::vector{Config{"a", {{"tile", 16}}}, Config{"a", {{"tile", 32}}}});
  CHECK(landscape.trait_names == std::vector<std::string>{"a", "a.tile=16", "a.tile=32"});
  CHECK(landscape.traits[1] == std::vector<std::uint32_t>{0, 2});
  CHECK_FALSE(landscape.has_model);
}

TEST_CASE("a candidate is the less new the more often its traits were tried") {
  const auto landscape = make_landscape(make_grid("a", {{"stages", {1, 2}}, {"tile", {16, 32}}}));
  std::vector<int> tried(landscape.trait_names.size(), 0);
  CHECK(novelty(landscape, 0, tried) == 1);
  for (const auto trait : landscape.traits[0]) ++tried[trait];
  CHECK(novelty(landscape, 0, tried) == 0.5);
  CHECK(novelty(landscape, 1, tried) > novelty(landscape, 0, tried));
  CHECK(novelty(landscape, 3, tried) > novelty(landscape, 1, tried));
}
