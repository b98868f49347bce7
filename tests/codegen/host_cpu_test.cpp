// What the host CPU can execute.
#include "codegen/host_cpu.h"

#include <catch2/catch_all.hpp>

using namespace nsajit::codegen;

TEST_CASE("the CPU has a name") { CHECK_FALSE(host_cpu_name().empty()); }

TEST_CASE("the feature string says of each feature whether it is on") {
  const std::string features = host_cpu_features();
  REQUIRE_FALSE(features.empty());
  CHECK((features.front() == '+' || features.front() == '-'));
  CHECK(features.find(",,") == std::string::npos);
}

TEST_CASE("the feature string is the same every time") { CHECK(host_cpu_features() == host_cpu_features()); }
