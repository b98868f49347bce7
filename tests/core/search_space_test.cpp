// SearchSpace: enumeration, laziness, and the reason for each config that is left out.
#include "nsajit/search_space.h"

#include <numeric>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;
using tests::refusal_of;

namespace {

SearchSpace make_space() {
  SearchSpace space;
  space.add(VariantSpace("wide")
                .dimension("warps", {2, 4, 8})
                .dimension("stages", {1, 2})
                .require("eight warps leave registers for one stage",
                         [](const Config& c) { return c.at("warps") < 8 || c.at("stages") == 1; }));
  space.add(VariantSpace("plain"));
  return space;
}

std::string violation_of(const std::string& config) { return make_space().find_violation(parse_config(config)).value_or("none"); }

std::vector<int> iota_values(int count) {
  std::vector<int> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

}  // namespace

TEST_CASE("a space counts the combinations of all variants") {
  CHECK(make_space().size() == 7);
  CHECK(SearchSpace().size() == 0);
}

TEST_CASE("configs come in mixed-radix order, the last dimension fastest") {
  const SearchSpace space = make_space();
  CHECK(to_string(space.at(0)) == "wide{stages=1,warps=2}");
  CHECK(to_string(space.at(1)) == "wide{stages=2,warps=2}");
  CHECK(to_string(space.at(2)) == "wide{stages=1,warps=4}");
  CHECK(to_string(space.at(5)) == "wide{stages=2,warps=8}");
  CHECK(to_string(space.at(6)) == "plain{}");
}

TEST_CASE("an index past the end is refused") {
  CHECK(refusal_of([] { make_space().at(7); }).message == "search space: config 7 was asked of 7");
  CHECK(refusal_of([] { VariantSpace("plain").at(1); }).message == "search space: config 1 was asked of 1");
}

TEST_CASE("a huge space is counted and indexed without making its configs") {
  int asked = 0;
  VariantSpace variant("huge");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) variant.dimension(name, iota_values(1000));
  variant.require("counted", [&](const Config&) {
    ++asked;
    return true;
  });
  SearchSpace space;
  space.add(std::move(variant));
  CHECK(space.size() == 1'000'000'000'000'000'000u);
  CHECK(to_string(space.at(space.size() - 1)) == "huge{a=999,b=999,c=999,d=999,e=999,f=999}");
  CHECK(to_string(space.at(1'002'003)) == "huge{a=0,b=0,c=0,d=1,e=2,f=3}");
  CHECK(asked == 0);
}

TEST_CASE("a config of the space has no violation") {
  CHECK(violation_of("wide{stages=2,warps=4}") == "none");
  CHECK(violation_of("plain") == "none");
}

TEST_CASE("a violated constraint answers with its reason") {
  CHECK(violation_of("wide{stages=2,warps=8}") == "eight warps leave registers for one stage");
}

TEST_CASE("an unknown variant is named beside those offered") {
  CHECK(violation_of("tall{}") == "unknown variant 'tall'; offered: wide, plain");
}

TEST_CASE("a parameter or value outside the grid is named") {
  CHECK(violation_of("wide{stages=1,warps=2,x=1}") == "parameter 'x' is not in the space of 'wide'");
  CHECK(violation_of("plain{warps=2}") == "parameter 'warps' is not in the space of 'plain'");
  CHECK(violation_of("wide{stages=1,warps=3}") == "warps=3 is not offered; offered: 2, 4, 8");
  CHECK(violation_of("wide{warps=2}") == "parameter 'stages' is missing; offered: 1, 2");
}

TEST_CASE("constraints are asked only about configs of the grid") {
  int asked = 0;
  SearchSpace space;
  space.add(VariantSpace("v").dimension("a", {1}).require("counted", [&](const Config&) {
    ++asked;
    return true;
  }));
  CHECK(space.find_violation(parse_config("v{a=2}")).has_value());
  CHECK(space.find_violation(parse_config("v{}")).has_value());
  CHECK(asked == 0);
}

TEST_CASE("a variant refuses another variant's config") {
  CHECK(VariantSpace("a").find_violation(Config{"b", {}}) == "variant 'b' is not 'a'");
}

TEST_CASE("valid configs are those without violation, in index order") {
  const auto configs = make_space().valid_configs();
  REQUIRE(configs.size() == 6);
  CHECK(to_string(configs[4]) == "wide{stages=1,warps=8}");
  CHECK(to_string(configs[5]) == "plain{}");
}

TEST_CASE("violations are counted by their first reason") {
  SearchSpace space;
  space.add(VariantSpace("v")
                .dimension("a", {1, 2, 3})
                .dimension("b", {1, 2})
                .require("a is small", [](const Config& c) { return c.at("a") < 3; })
                .require("b is one", [](const Config& c) { return c.at("b") == 1; }));
  const std::vector<std::pair<std::string, std::uint64_t>> expected{{"b is one", 2}, {"a is small", 2}};
  CHECK(space.count_violations() == expected);
}
