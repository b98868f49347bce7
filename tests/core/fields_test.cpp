// Fields: splitting and numbers, as every text form of the nouns uses them.
#include "core/fields.h"

#include <limits>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;
using tests::refusal_of;

TEST_CASE("fields are split at commas with blanks trimmed") {
  const auto fields = split_fields(" bf16 , dk = 64,dv=32 ", "problem");
  REQUIRE(fields.size() == 3);
  CHECK(fields[0].name == "bf16");
  CHECK_FALSE(fields[0].value.has_value());
  CHECK(fields[1].name == "dk");
  CHECK(fields[1].value == "64");
  CHECK(fields[2].text == "dv=32");
}

TEST_CASE("blank text has no fields") {
  CHECK(split_fields("", "problem").empty());
  CHECK(split_fields("  \t", "problem").empty());
}

TEST_CASE("an empty field is refused with the whole text") {
  CHECK(refusal_of([] { split_fields("a=1,,b=2", "config"); }).message ==
        "config 'a=1,,b=2': an empty field; fields are separated by single commas");
  CHECK(refusal_of([] { split_fields("a=1,", "config"); }).code == ErrorCode::InvalidArgument);
  CHECK(refusal_of([] { split_fields("=1", "config"); }).code == ErrorCode::InvalidArgument);
}

TEST_CASE("a field that is given twice is refused by name") {
  CHECK(refusal_of([] { split_fields("dk=1,dk=2", "problem"); }).message == "problem 'dk=1,dk=2': 'dk' is given twice");
}

TEST_CASE("a number must be whole and fit") {
  CHECK(parse_integer("-9223372036854775808", "x") == std::numeric_limits<std::int64_t>::min());
  CHECK(refusal_of([] { parse_integer("12k", "field 'S'"); }).message == "field 'S': '12k' is not a whole number");
  CHECK(refusal_of([] { parse_integer("", "field 'S'"); }).message == "field 'S': '' is not a whole number");
  CHECK(refusal_of([] { parse_integer("1.5", "x"); }).code == ErrorCode::InvalidArgument);
  CHECK(refusal_of([] { parse_integer("9223372036854775808", "x"); }).message ==
        "x: '9223372036854775808' does not fit a 64-bit integer");
  CHECK(refusal_of([] { parse_int("2147483648", "x"); }).message == "x: '2147483648' does not fit a 32-bit integer");
}
