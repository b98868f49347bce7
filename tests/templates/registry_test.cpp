// The registry serves selection forward and refuses the rest by name.

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "nsajit/op.h"

using namespace nsajit;

TEST_CASE("selection forward is served by the selection operation") {
  CHECK(find_op(parse_problem("selection,forward")).name() == "selection");
}

TEST_CASE("an operation that is not built is refused as unsupported") {
  CHECK_THROWS_AS(find_op(parse_problem("sliding")), Error);
  CHECK_THROWS_AS(find_op(parse_problem("selection,backward")), Error);
}
