// Strategies that costs steer: halving, local and learned search, on made-up spaces.

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include <catch2/catch_all.hpp>

#include "tests/tuner/grids.h"
#include "tuner/strategy.h"

using nsajit::Config;
using nsajit::testing::make_grid;
using nsajit::tuner::Landscape;
using nsajit::tuner::make_landscape;
using nsajit::tuner::make_strategy;
using nsajit::tuner::Offer;
using nsajit::tuner::StrategyOptions;

namespace {

// 288 configs of two variants with one best; the model gets the variants wrong, and stages altogether.
struct Hills {
  std::vector<Config> configs;
  std::vector<double> costs;
  std::shared_ptr<const Landscape> landscape;

  Hills() {
    for (const char* variant : {"a", "b"})
      for (const Config& config : make_grid(
               variant, {{"stages", {2, 3, 4}}, {"tile", {16, 32, 64, 128}}, {"warps", {1, 2, 4, 8}}, {"width", {1, 2, 4}}}))
        configs.push_back(config);
    std::vector<double> expected;
    for (const Config& config : configs) {
      const double tile = std::abs(std::log2(config.at("tile") / 64.0)), warps = std::abs(std::log2(config.at("warps") / 4.0));
      const double model = 100 * (1 + 0.2 * tile + 0.1 * warps);
      expected.push_back(model * (config.variant == "a" ? 1.0 : 1.2));
      costs.push_back(model * (config.variant == "a" ? 1.0 : 0.7) * (1 + 0.05 * (4 - config.at("stages"))) *
                      (1 + 0.03 * config.at("width")));
    }
    landscape = std::make_shared<const Landscape>(make_landscape(configs, expected));
  }

  double best() const { return *std::min_element(costs.begin(), costs.end()); }
};

struct Found {
  std::size_t trials = 0;
  double best = 0;
};

Found search(std::string_view name, const Hills& hills, std::size_t max_trials) {
  const auto strategy =
      make_strategy(name, {.candidates = hills.configs.size(), .max_trials = max_trials, .landscape = hills.landscape});
  Found found{.best = 1e9};
  while (const auto next = strategy->next()) {
    ++found.trials;
    found.best = std::min(found.best, hills.costs[next->candidate]);
    strategy->tell(next->candidate, hills.costs[next->candidate]);
  }
  return found;
}

std::vector<Offer> take_all(nsajit::tuner::Strategy& strategy) {
  std::vector<Offer> offers;
  while (const auto next = strategy.next()) offers.push_back(*next);
  return offers;
}

}  // namespace

TEST_CASE("learned search finds the best though the model is wrong about the variants") {
  const Hills hills;
  CHECK(search("learned", hills, 28).best <= 1.02 * hills.best());
  CHECK(search("ranked", hills, 12).best > 1.02 * hills.best());
}

TEST_CASE("learned search ends when nothing left can win") {
  const Hills hills;
  const Found found = search("learned", hills, 0);
  CHECK(found.trials < hills.configs.size() / 2);
  CHECK(found.best <= 1.01 * hills.best());
}

TEST_CASE("learned search without a model still learns") {
  Hills hills;
  hills.landscape = std::make_shared<const Landscape>(make_landscape(hills.configs));
  CHECK(search("learned", hills, 40).best <= 1.05 * hills.best());
}

TEST_CASE("local search climbs to the best of the hill it stands on") {
  const Hills hills;
  CHECK(search("local", hills, 60).best <= 1.02 * hills.best());
}

TEST_CASE("local search offers the steps from the best before anything else") {
  const Hills hills;
  const auto strategy =
      make_strategy("local", {.candidates = hills.configs.size(), .max_trials = 40, .landscape = hills.landscape});
  double best = 1e9;
  std::size_t holder = 0;
  for (int trial = 0; trial < 9; ++trial) {
    const std::size_t offered = strategy->next()->candidate;
    const auto& steps = hills.landscape->neighbours[holder];
    if (trial == 8) CHECK(std::find(steps.begin(), steps.end(), offered) != steps.end());
    if (hills.costs[offered] < best) {
      best = hills.costs[offered];
      holder = offered;
    }
    strategy->tell(offered, hills.costs[offered]);
  }
}

TEST_CASE("no strategy offers a candidate twice for as many samples, or more candidates than it may") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "halving", "local", "learned");
  const Hills hills;
  const auto strategy = make_strategy(name, {.candidates = hills.configs.size(), .max_trials = 30, .landscape = hills.landscape});
  std::set<std::pair<std::size_t, int>> offers;
  std::set<std::size_t> candidates;
  while (const auto next = strategy->next()) {
    CHECK(offers.emplace(next->candidate, next->rounds).second);
    candidates.insert(next->candidate);
    strategy->tell(next->candidate, hills.costs[next->candidate]);
  }
  CHECK(candidates.size() <= 30);
  CHECK(candidates.contains(0));
}

TEST_CASE("a rejected candidate is answered and never the end of a search") {
  const auto* name = GENERATE("halving", "local", "learned");
  const Hills hills;
  const auto strategy = make_strategy(name, {.candidates = hills.configs.size(), .max_trials = 30, .landscape = hills.landscape});
  std::size_t offers = 0;
  while (const auto next = strategy->next()) {
    ++offers;
    strategy->tell(next->candidate, std::nullopt);
  }
  CHECK(offers == (std::string_view(name) == "halving" ? 30 : 60));  // halving times all entrants alike
}

TEST_CASE("halving gives the best third three times the samples, once all are told") {
  const auto strategy = make_strategy("halving", {.candidates = 27, .seed = 3});
  const auto first = take_all(*strategy);
  REQUIRE(first.size() == 27);
  CHECK(first[5].rounds == 3);
  for (std::size_t i = 0; i < 26; ++i) strategy->tell(first[i].candidate, 100.0 - static_cast<double>(i));
  CHECK_FALSE(strategy->next());
  strategy->tell(first[26].candidate, std::nullopt);

  const auto second = take_all(*strategy);
  REQUIRE(second.size() == 9);
  CHECK(second.front() == Offer{.candidate = first[25].candidate, .rounds = 9});
  for (const Offer& offer : second) strategy->tell(offer.candidate, 1.0);
  CHECK(take_all(*strategy).size() == 3);
}
