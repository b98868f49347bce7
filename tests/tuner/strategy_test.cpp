// Strategies: the order in which candidates are offered.

#include "tuner/strategy.h"

#include <algorithm>
#include <set>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/tuner/grids.h"

using nsajit::Config;
using nsajit::tuner::Landscape;
using nsajit::tuner::make_landscape;
using nsajit::tuner::make_strategy;
using nsajit::tuner::Offer;
using nsajit::tuner::StrategyOptions;

namespace {

std::vector<std::size_t> offered(std::string_view name, const StrategyOptions& options) {
  const auto strategy = make_strategy(name, options);
  std::vector<std::size_t> order;
  while (const auto candidate = strategy->next()) {
    order.push_back(candidate->candidate);
    strategy->tell(candidate->candidate, 1.0);
  }
  return order;
}

bool has_neighbours_back_to_back(const std::vector<std::size_t>& order) {
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i] + 1 == order[i - 1] || order[i] == order[i - 1] + 1) return true;
  return false;
}

}  // namespace

TEST_CASE("every candidate is offered exactly once") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local");
  const std::size_t candidates = GENERATE(1u, 2u, 3u, 7u, 64u, 301u);
  const auto order = offered(name, {.candidates = candidates, .first = candidates / 2, .seed = 9});
  CHECK(order.size() == candidates);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == candidates);
  CHECK(*std::max_element(order.begin(), order.end()) == candidates - 1);
}

TEST_CASE("the default is offered first") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local");
  CHECK(offered(name, {.candidates = 50, .first = 17, .seed = 4}).front() == 17);
}

TEST_CASE("the exhaustive order never has neighbours back to back") {
  const std::size_t candidates = GENERATE(16u, 17u, 40u, 100u, 257u);
  for (std::size_t first = 0; first < candidates; ++first)
    for (std::uint64_t seed = 0; seed < 20; ++seed)
      if (has_neighbours_back_to_back(offered("exhaustive", {.candidates = candidates, .first = first, .seed = seed})))
        FAIL("candidates=" << candidates << " first=" << first << " seed=" << seed);
}

TEST_CASE("a seed gives the same order every time") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local");
  const StrategyOptions options{.candidates = 90, .seed = 12};
  CHECK(offered(name, options) == offered(name, options));
}

TEST_CASE("another seed gives another order") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local");
  CHECK(offered(name, {.candidates = 90, .seed = 1}) != offered(name, {.candidates = 90, .seed = 2}));
}

TEST_CASE("max_trials ends the search, and counts the default") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local");
  const auto order = offered(name, {.candidates = 90, .first = 3, .max_trials = 5});
  CHECK(order.size() == 5);
  CHECK(order.front() == 3);
}

TEST_CASE("a rejected candidate is no trial, as often as there are trials") {
  const auto* name = GENERATE("exhaustive", "random", "ranked", "local", "learned");
  const auto count_offers = [&](std::size_t candidates, std::size_t rejected) {
    const auto strategy = make_strategy(name, {.candidates = candidates, .max_trials = 5});
    std::size_t offers = 0;
    while (const auto offer = strategy->next()) {
      ++offers;
      strategy->tell(offer->candidate, offers <= rejected ? std::nullopt : std::optional(1.0));
    }
    return offers;
  };
  CHECK(count_offers(90, 0) == 5);
  CHECK(count_offers(90, 3) == 8);
  CHECK(count_offers(90, 90) == 10);
  CHECK(count_offers(7, 7) == 7);
}

TEST_CASE("a space without candidates is done at once") { CHECK(offered("exhaustive", {}).empty()); }

TEST_CASE("a finished strategy stays finished") {
  const auto strategy = make_strategy("random", {.candidates = 1});
  CHECK(strategy->next() == Offer{});
  CHECK_FALSE(strategy->next());
  CHECK_FALSE(strategy->next());
}

TEST_CASE("an unknown strategy is refused with the known names") {
  CHECK_THROWS_WITH(make_strategy("greedy", {.candidates = 1}),
                    "strategy \"greedy\" is not known; take one of exhaustive, random, ranked, halving, local, learned");
}

TEST_CASE("a default outside the candidates is refused") {
  CHECK_THROWS_AS(make_strategy("random", {.candidates = 3, .first = 3}), nsajit::Error);
}

TEST_CASE("The ranked strategy offers the default, then what the model expects to be fast, then what it does not know") {
  const std::vector<Config> configs(5, Config{.variant = "a"});
  const auto landscape = std::make_shared<const Landscape>(make_landscape(configs, {30.0, 0.0, 90.0, 10.0, 20.0}));
  CHECK(offered("ranked", {.candidates = 5, .first = 2, .landscape = landscape}) == std::vector<std::size_t>{2, 3, 4, 0, 1});
}

TEST_CASE("of configs that the model finds alike, the ranked strategy offers unlike ones first") {
  const auto configs = nsajit::testing::make_grid("a", {{"stages", {1, 2, 3}}, {"tile", {16, 32, 64}}});
  const auto landscape = std::make_shared<const Landscape>(make_landscape(configs, {1, 1, 1, 1, 1, 1, 1, 1, 1}));
  const auto order = offered("ranked", {.candidates = 9, .max_trials = 3, .landscape = landscape});
  REQUIRE(order.size() == 3);
  for (const char* name : {"stages", "tile"}) {
    std::set<int> values;
    for (const std::size_t candidate : order) values.insert(configs[candidate].at(name));
    INFO(name);
    CHECK(values.size() == 3);
  }
}

TEST_CASE("the ranked strategy does not prefer what is unlike to what is expected to be a fifth faster") {
  const auto configs = nsajit::testing::make_grid("a", {{"stages", {1, 2, 3}}, {"tile", {16, 32, 64}}});
  const auto landscape = std::make_shared<const Landscape>(make_landscape(configs, {1.2, 1, 1.2, 1.2, 2, 1.2, 1.2, 1.2, 1.2}));
  const auto order = offered("ranked", {.candidates = 9, .first = 4, .max_trials = 2, .landscape = landscape});
  CHECK(order == std::vector<std::size_t>{4, 1});
}
