// Overlap list: what is read, and what spreading does to workloads.

#include "cli/overlap_list.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

using namespace nsajit;
using Catch::Matchers::Contains;

namespace {

std::string refusal(std::string_view text) {
  try {
    cli::parse_overlaps(text);
  } catch (const Error& error) { return error.what(); }
  return "accepted";
}

}  // namespace

TEST_CASE("a list of overlaps is read with blanks, and one alone") {
  CHECK(cli::parse_overlaps("0,50") == std::vector<int>{0, 50});
  CHECK(cli::parse_overlaps(" 90 , 10") == std::vector<int>{90, 10});
  CHECK(cli::parse_overlaps("75") == std::vector<int>{75});
}

TEST_CASE("what is no list of percentages is refused") {
  for (const char* text : {"", "0,", ",5", "half", "1.5", "0;50"}) CHECK_THAT(refusal(text), Contains("is not a whole number"));
  CHECK_THAT(refusal("0,101"), Contains("101 is not a percentage"));
  CHECK_THAT(refusal("-1"), Contains("-1 is not a percentage"));
}

TEST_CASE("workloads are spread in order, and those that differed by overlap alone fall together") {
  const Workload small{.S = 512}, large{.S = 2048, .overlap_percent = 50};
  Workload small_too = small;
  small_too.overlap_percent = 90;
  std::vector<std::pair<std::int64_t, int>> found;
  for (const Workload& workload : cli::spread_overlaps({small, large, small_too}, {0, 50}))
    found.emplace_back(workload.S, workload.overlap_percent);
  CHECK(found == std::vector<std::pair<std::int64_t, int>>{{512, 0}, {512, 50}, {2048, 0}, {2048, 50}});
  CHECK(cli::spread_overlaps({small, large}, {}) == std::vector<Workload>{small, large});
}

TEST_CASE("a recorded selection keeps the overlap that was measured of it") {
  const Workload recorded{.overlap_percent = 37, .selection = 5};
  CHECK(cli::spread_overlaps({recorded}, {37}) == std::vector<Workload>{recorded});
  CHECK_THROWS_WITH(cli::spread_overlaps({recorded}, {50}), Contains("overlap=50 was given") && Contains("measured of it, 37"));
}
