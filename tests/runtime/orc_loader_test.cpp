// OrcLoader: functions of an object can be called; what is wrong with an object is said.

#include "runtime/orc_loader.h"

#include <catch2/catch_all.hpp>
#include <cmath>

#include "nsajit/error.h"
#include "tests/runtime/embedded_objects.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;

TEST_CASE("a function of an object is called", "[runtime]") {
  const LoadedObject object(testing::rows_object());
  const auto call_expf = reinterpret_cast<float (*)(float)>(object.find_function("call_expf"));
  CHECK(call_expf(1.5f) == std::exp(1.5f));
}

TEST_CASE("two copies of an object live side by side", "[runtime]") {
  const LoadedObject one(testing::rows_object());
  const LoadedObject two(testing::rows_object());
  CHECK(one.find_function("call_expf") != two.find_function("call_expf"));
}

TEST_CASE("a function that an object does not define is named", "[runtime]") {
  const LoadedObject object(testing::rows_object());
  CHECK_THROWS_WITH(object.find_function("absent"), Contains("find function absent"));
}

TEST_CASE("a call to a function that code may not call is named", "[runtime]") {
  const LoadedObject object(testing::calls_unknown_object());
  CHECK_THROWS_WITH(object.find_function("calls_unknown"), Contains("no_such_function"));
}

TEST_CASE("a damaged object is refused", "[runtime]") {
  const auto bytes = testing::rows_object();
  const std::size_t kept = GENERATE_COPY(std::size_t{0}, std::size_t{3}, std::size_t{40}, bytes.size() / 2);
  const auto load = [&] { LoadedObject(bytes.first(kept)).find_function("call_expf"); };
  CHECK_THROWS_AS(load(), Error);
}

}  // namespace nsajit::runtime
