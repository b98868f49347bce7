// Records: the words of a trial's status.

#include "cache/records.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

namespace nsajit::cache {

TEST_CASE("every trial status is read back from its word") {
  for (int value = 0; value <= static_cast<int>(TrialStatus::Crash); ++value) {
    const auto status = static_cast<TrialStatus>(value);
    REQUIRE(parse_trial_status(to_string(status)) == status);
  }
}

TEST_CASE("an unknown trial status is refused with the list of the known ones") {
  REQUIRE_FALSE(find_trial_status("exploded").has_value());
  REQUIRE_THROWS_WITH(parse_trial_status("exploded"),
                      Catch::Matchers::StartsWith("trial status 'exploded' is not known; one of: measured, compile_error"));
}

}  // namespace nsajit::cache
