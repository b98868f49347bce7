// Final race: the choice among finalists is stable against noise.

#include "tuner/final_race.h"

#include <catch2/catch_all.hpp>

using nsajit::tuner::choose_winner;
using nsajit::tuner::Finalist;

TEST_CASE("a clear lead wins whatever the order") {
  const std::vector<Finalist> finalists{{{.median = 100, .low = 99, .high = 101}, true, "a"},
                                        {{.median = 80, .low = 79, .high = 81}, false, "z"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("overlapping intervals are a tie that the default takes") {
  const std::vector<Finalist> finalists{{{.median = 95, .low = 85, .high = 105}, false, "a"},
                                        {{.median = 100, .low = 92, .high = 108}, true, "z"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("medians within one percent are a tie though their intervals are apart") {
  const std::vector<Finalist> finalists{{{.median = 100.0, .low = 99.9, .high = 100.1}, false, "b"},
                                        {{.median = 100.9, .low = 100.8, .high = 101.0}, false, "a"}};
  CHECK(choose_winner(finalists) == 1);
}

TEST_CASE("just over one percent apart is no tie") {
  const std::vector<Finalist> finalists{{{.median = 100.0, .low = 99.9, .high = 100.1}, false, "b"},
                                        {{.median = 101.1, .low = 101.0, .high = 101.2}, true, "a"}};
  CHECK(choose_winner(finalists) == 0);
}

TEST_CASE("among ties without the default the first config text wins") {
  const std::vector<Finalist> finalists{{{.median = 100, .low = 90, .high = 110}, false, "c"},
                                        {{.median = 101, .low = 91, .high = 111}, false, "a"},
                                        {{.median = 102, .low = 92, .high = 112}, false, "b"}};
  CHECK(choose_winner(finalists) == 1);
}
