// Error: codes and messages survive the throw.
#include "nsajit/error.h"

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;

TEST_CASE("an error carries its code with its message") {
  const auto refusal = tests::refusal_of([] { throw Error(ErrorCode::Driver, "load k: out of memory"); });
  CHECK(refusal.code == ErrorCode::Driver);
  CHECK(refusal.message == "load k: out of memory");
}

TEST_CASE("every error code has a name of its own") {
  CHECK(to_string(ErrorCode::InvalidArgument) == "invalid argument");
  CHECK(to_string(ErrorCode::NotFound) == "not found");
  CHECK(to_string(ErrorCode::Unsupported) == "unsupported");
  CHECK(to_string(ErrorCode::Io) == "input/output");
  CHECK(to_string(ErrorCode::Cache) == "cache");
  CHECK(to_string(ErrorCode::Compile) == "compile");
  CHECK(to_string(ErrorCode::Driver) == "driver");
  CHECK(to_string(ErrorCode::Worker) == "worker");
  CHECK(to_string(ErrorCode::Interrupted) == "interrupted");
}
