// RecordJson: ladders, which are a text within a row.

#include "cache/record_json.h"

#include <catch2/catch_all.hpp>

namespace nsajit::cache {

TEST_CASE("a ladder is written as a JSON list of its points and read back") {
  const std::vector<LadderPoint> ladder{{64, 1.5, 3}, {128, 0, 0.1}};
  const std::string text = ladder_to_json(ladder);
  CHECK(text == R"([{"length":64,"time_us":1.5,"baseline_us":3.0},{"length":128,"time_us":0.0,"baseline_us":0.1}])");
  CHECK(find_ladder(text) == ladder);
}

TEST_CASE("what is no list of points is no ladder") {
  const std::string text = GENERATE("", "[1]", "{}", R"([{"length":64}])", R"([{"length":64,"time_us":"1","baseline_us":2}])",
                                    R"([{"length":64,"time_us":1,"baseline_us":2,"more":3}])");
  INFO(text);
  CHECK_FALSE(find_ladder(text).has_value());
}

}  // namespace nsajit::cache
