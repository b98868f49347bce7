// The constants of CPU units and their text.
#include "codegen/cpu_unit.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;

TEST_CASE("a CPU unit is exactly the golden text") {
  CHECK(write_cpu_unit(probe_cpu_unit(), "test.probe") == golden("probe_unit.fields"));
}

TEST_CASE("the element type reaches a CPU template as a number") {
  const auto [element, number] = GENERATE(table<std::string, int>({{"bf16", 0}, {"fp16", 1}, {"fp32", 2}}));
  nsajit::Unit unit = probe_cpu_unit();
  unit.element = element;
  CHECK(cpu_fields(unit).back() == std::pair<std::string, int>("element", number));
}

TEST_CASE("an element type that no CPU template stores is refused") {
  nsajit::Unit unit = probe_cpu_unit();
  unit.element = "fp8";
  CHECK_THROWS_AS(cpu_fields(unit), nsajit::Error);
}
