// The text of generated CUDA units.
#include "codegen/cuda_unit.h"

#include <catch2/catch_all.hpp>

#include "tests/codegen/test_templates.h"

using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;

TEST_CASE("a CUDA unit is exactly the golden text") {
  CHECK(write_cuda_unit(probe_cuda_unit(), "test.probe") == golden("probe_unit.cu"));
}

TEST_CASE("the element type of a CUDA unit names a type of the templates") {
  nsajit::Unit unit = probe_cuda_unit();
  unit.element = "fp16";
  CHECK_THAT(write_cuda_unit(unit, "x"), Catch::Matchers::Contains("using element = nsajit::fp16;"));
}

TEST_CASE("an entry that runs in clusters says so, any other does not") {
  nsajit::Unit unit = probe_cuda_unit();
  CHECK_THAT(write_cuda_unit(unit, "x"), !Catch::Matchers::Contains("__cluster_dims__"));
  unit.bounds.front().cluster = 4;
  CHECK_THAT(write_cuda_unit(unit, "x"), Catch::Matchers::Contains(" __cluster_dims__(4, 1, 1)\n"));
}
