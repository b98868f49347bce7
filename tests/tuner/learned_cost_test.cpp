// Learned cost: corrections from few trials, shrunk, robust, and carried from one space to another.

#include "tuner/learned_cost.h"

#include <cmath>
#include <memory>

#include <catch2/catch_all.hpp>

#include "tests/tuner/grids.h"

using nsajit::Config;
using nsajit::testing::make_grid;
using nsajit::tuner::CostPrior;
using nsajit::tuner::Landscape;
using nsajit::tuner::LearnedCost;
using nsajit::tuner::make_landscape;

namespace {

std::vector<Config> two_variants() {
  auto configs = make_grid("a", {{"stages", {1, 2, 3}}, {"tile", {16, 32, 64}}});
  for (const auto& config : make_grid("b", {{"stages", {1, 2, 3}}, {"tile", {16, 32, 64}}})) configs.push_back(config);
  return configs;
}

// The model says 100 of everything; variant b takes twice that, and tile 64 a third less of it.
double true_cost(const Config& config) { return 100.0 * (config.variant == "b" ? 2 : 1) * (config.at("tile") == 64 ? 0.66 : 1); }

std::shared_ptr<const Landscape> modelled(const std::vector<Config>& configs) {
  return std::make_shared<const Landscape>(make_landscape(configs, std::vector<double>(configs.size(), 100.0)));
}

}  // namespace

TEST_CASE("what a variant and a value cost is learned from others that share them") {
  const auto configs = two_variants();
  LearnedCost cost(modelled(configs));
  for (const std::size_t tried : {0u, 1u, 2u, 4u, 6u, 9u, 10u, 11u, 13u, 15u}) cost.learn(tried, true_cost(configs[tried]));
  const std::size_t untried = 17;  // b, stages=3, tile=64
  CHECK_THAT(std::exp(cost.expect_log(untried)), Catch::Matchers::WithinRel(true_cost(configs[untried]), 0.15));
  CHECK(cost.expect_log(8) < cost.expect_log(7));
}

TEST_CASE("without a model the costs themselves are learned") {
  const auto configs = two_variants();
  LearnedCost cost(std::make_shared<const Landscape>(make_landscape(configs)));
  for (const std::size_t tried : {0u, 1u, 2u, 4u, 6u, 9u, 10u, 11u, 13u, 15u}) cost.learn(tried, true_cost(configs[tried]));
  CHECK_THAT(std::exp(cost.expect_log(17)), Catch::Matchers::WithinRel(true_cost(configs[17]), 0.2));
}

TEST_CASE("a trial of fifty times the usual cost moves what shares its values by less than twice") {
  const auto configs = two_variants();
  LearnedCost cost(modelled(configs));
  for (std::size_t tried = 0; tried < 6; ++tried) cost.learn(tried, 100);
  const double before = cost.expect_log(8);
  cost.learn(7, 5000);  // a, stages=3, tile=32
  CHECK(cost.expect_log(8) - before < std::log(2.0));
}

TEST_CASE("what another space taught is where a new one starts, and its own trials overrule it") {
  const auto configs = two_variants();
  std::vector<std::pair<std::size_t, double>> costs;
  for (std::size_t i = 0; i < configs.size(); ++i) costs.emplace_back(i, 7 * true_cost(configs[i]));
  const std::vector<nsajit::tuner::SpaceCosts> taught{{modelled(configs), costs}, {modelled(configs), costs}};
  const CostPrior prior = fit_prior(taught);

  LearnedCost fresh(modelled(configs), &prior);
  CHECK(fresh.expect_log(17) < fresh.expect_log(16));
  CHECK(fresh.expect_log(8) < fresh.expect_log(17));
  for (std::size_t tried = 0; tried < 9; ++tried) fresh.learn(tried, configs[tried].at("tile") == 64 ? 150.0 : 100.0);
  CHECK(fresh.expect_log(8) > fresh.expect_log(7));
}

TEST_CASE("the error says how far off the last expectations were") {
  const auto configs = two_variants();
  LearnedCost right(modelled(configs)), wrong(modelled(configs));
  for (std::size_t tried = 0; tried < 12; ++tried) {
    right.learn(tried, 100);
    wrong.learn(tried, tried % 2 == 0 ? 60 : 170);
  }
  CHECK(right.error() < 0.05);
  CHECK(wrong.error() > 0.3);
}

TEST_CASE("a model is trusted before anything is told; without one nothing is") {
  const auto configs = two_variants();
  CHECK(LearnedCost(modelled(configs)).error() <= 0.1);
  CHECK(LearnedCost(std::make_shared<const Landscape>(make_landscape(configs))).error() >= 0.5);
}
