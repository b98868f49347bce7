// UtcTime: the form of a time in the cache.

#include "cache/utc_time.h"

#include <ctime>
#include <regex>

#include <catch2/catch_all.hpp>

namespace nsajit::cache {

TEST_CASE("the time is ISO 8601 in UTC") {
  REQUIRE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

TEST_CASE("the time is now, whatever the time zone") {
  const std::string text = utc_now();
  std::tm parsed{};
  REQUIRE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parsed) != nullptr);
  REQUIRE(std::abs(static_cast<long>(timegm(&parsed) - std::time(nullptr))) <= 2);
}

TEST_CASE("a time that was an hour ago sorts before now") {
  REQUIRE(utc_before(std::chrono::hours(1)) < utc_now());
  REQUIRE(is_utc(utc_before(std::chrono::hours(24 * 400))));
}

TEST_CASE("only the form that the cache writes is a time") {
  REQUIRE(is_utc("2026-01-31T17:05:09Z"));
  for (const char* text : {"", "2026-01-31", "2026-01-31T17:05:09", "2026-01-31 17:05:09Z", "2026-01-31T17:05:09ZZ"}) {
    REQUIRE_FALSE(is_utc(text));
  }
}

}  // namespace nsajit::cache
