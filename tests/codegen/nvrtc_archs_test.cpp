// Which NVRTC can compile for which SM.
#include "codegen/nvrtc_archs.h"

#include <catch2/catch_all.hpp>

#include <vector>

using namespace nsajit::codegen;
using Catch::Matchers::Contains;

namespace {
const std::vector<int> kCuda118{35, 50, 52, 60, 70, 75, 80, 86, 87, 89, 90};
const std::vector<int> kCuda130{75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};
}  // namespace

TEST_CASE("an SM newer than NVRTC is refused with the version that has it") {
  const auto refusal = find_arch_refusal("120", {12, 0}, kCuda118);
  REQUIRE(refusal.has_value());
  CHECK_THAT(*refusal, Contains("NVRTC 12.0") && Contains("sm_120") && Contains("CUDA 12.8 or newer"));
}

TEST_CASE("the suffix of an SM counts: 90a came after 90") {
  CHECK_FALSE(find_arch_refusal("90", {11, 8}, kCuda118).has_value());
  CHECK(find_arch_refusal("90a", {11, 8}, kCuda118).has_value());
}

TEST_CASE("an SM that NVRTC dropped is refused with those it has") {
  const auto refusal = find_arch_refusal("70", {13, 0}, kCuda130);
  REQUIRE(refusal.has_value());
  CHECK_THAT(*refusal, Contains("sm_70") && Contains("75, 80, 86"));
}

TEST_CASE("the SMs of a current NVRTC are accepted") {
  const auto arch = GENERATE("80", "86", "89", "90a", "100a", "120");
  CHECK_FALSE(find_arch_refusal(arch, {13, 0}, kCuda130).has_value());
}

TEST_CASE("a library that does not list its SMs is asked by compiling") {
  CHECK_FALSE(find_arch_refusal("80", {11, 2}, {}).has_value());
}
