// Config: text form and access by name.
#include "nsajit/config.h"

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;
using tests::refusal_of;

namespace {

std::string why_unread(const std::string& text) {
  const auto refusal = refusal_of([&] { parse_config(text); });
  return refusal.code == ErrorCode::InvalidArgument ? refusal.message : "accepted";
}

}  // namespace

TEST_CASE("a config prints its parameters in alphabetical order") {
  CHECK(to_string(Config{"query_major", {{"warps", 4}, {"stages", 3}}}) == "query_major{stages=3,warps=4}");
  CHECK(to_string(Config{"packed_sdpa", {}}) == "packed_sdpa{}");
}

TEST_CASE("a printed config reads back as itself") {
  const Config config{"query_major", {{"warps", 4}, {"stages", -3}, {"block_2", 0}}};
  CHECK(parse_config(to_string(config)) == config);
  CHECK(parse_config(to_string(Config{"packed_sdpa", {}})) == Config{"packed_sdpa", {}});
}

TEST_CASE("a config may be written in any order, with blanks, or as a bare variant") {
  CHECK(parse_config(" query_major { warps = 4 , stages = 3 } ") == Config{"query_major", {{"stages", 3}, {"warps", 4}}});
  CHECK(parse_config("packed_sdpa") == Config{"packed_sdpa", {}});
}

TEST_CASE("a malformed config is refused with what is wrong") {
  const std::string form = "; expected variant{name=value,...} with names of a-z, 0-9 and _";
  CHECK(why_unread("") == "config '': '' is not a variant name" + form);
  CHECK(why_unread("Query{}") == "config 'Query{}': 'Query' is not a variant name" + form);
  CHECK(why_unread("v{a=1") == "config 'v{a=1': the closing '}' is missing" + form);
  CHECK(why_unread("v{a=1}x") == "config 'v{a=1}x': the closing '}' is missing" + form);
  CHECK(why_unread("v{a}") == "config 'v{a}': parameter 'a' has no value" + form);
  CHECK(why_unread("v{A=1}") == "config 'v{A=1}': 'A' is not a parameter name" + form);
  CHECK(why_unread("v{a=b}") == "config 'v{a=b}', parameter 'a': 'b' is not a whole number");
  CHECK(why_unread("v{a=1,a=1}") == "config 'a=1,a=1': 'a' is given twice");
}

TEST_CASE("a parameter is found by name") { CHECK(Config{"v", {{"warps", 4}}}.at("warps") == 4); }

TEST_CASE("a parameter that is not there is refused with the config") {
  const auto refusal = refusal_of([] { Config{"v", {{"warps", 4}}}.at("stages"); });
  CHECK(refusal.code == ErrorCode::InvalidArgument);
  CHECK(refusal.message == "config v{warps=4} has no parameter 'stages'");
}
