// The registry serves the forward pass of each branch that is built and refuses the rest by name.

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "nsajit/op.h"

using namespace nsajit;

TEST_CASE("every branch that is built is served by the operation of its name") {
  for (const char* branch : {"selection", "compressed", "scoring", "sliding", "gate", "pooling", "decode"})
    CHECK(find_op(parse_problem(branch)).name() == branch);
}

TEST_CASE("an operation that is not built is refused as unsupported") {
  CHECK_THROWS_AS(find_op(parse_problem("selection,backward")), Error);
}
