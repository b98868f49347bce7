// Toggles: every variable reaches its member, and nonsense is refused by name.

#include "core/toggles.h"

#include <cstdlib>
#include <map>

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "tests/core/refusal.h"

using namespace nsajit;

namespace {

Toggles parse(const std::map<std::string, std::string>& variables) {
  return parse_toggles([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string refusal(const std::map<std::string, std::string>& variables) {
  return tests::refusal_of([&] { parse(variables); }).message;
}

}  // namespace

TEST_CASE("nothing set leaves every toggle unset") {
  const Toggles toggles = parse({});
  CHECK_FALSE(toggles.force_parity);
  CHECK_FALSE(toggles.use_triton_sel.has_value());
  CHECK_FALSE(toggles.sel_min_l.has_value());
  CHECK(toggles.given.empty());
}

TEST_CASE("every switch reaches its member") {
  const Toggles toggles = parse({{"NSA_FORCE_PARITY", "1"},
                                 {"NSA_USE_TRITON_SEL", "0"},
                                 {"NSA_TRITON_SEL_FORCE", "1"},
                                 {"NSA_SEL_TRITON_ALLOW_GRAD", "1"},
                                 {"NSA_SEL_TRITON_GROUP", "1"},
                                 {"NSA_USE_SEL_PACK", "0"},
                                 {"NSA_USE_FA2", "1"},
                                 {"NSA_USE_FA2_WIN", "0"},
                                 {"NSA_USE_FA2_CMP", "1"},
                                 {"NSA_FA2_FORCE_VARLEN", "1"},
                                 {"NSA_SEL_RANGES_V2", "0"},
                                 {"NSA_STRICT_ASSERTS", "1"},
                                 {"NSA_DEBUG_LOG", "1"},
                                 {"NSA_DEBUG_TIMING", "1"},
                                 {"NSA_DEBUG_COMPARE", "1"}});
  CHECK((toggles.force_parity && toggles.triton_sel_force && toggles.triton_sel_allow_grad && toggles.triton_sel_group));
  CHECK(
      (toggles.fa2_force_varlen && toggles.strict_asserts && toggles.debug_log && toggles.debug_timing && toggles.debug_compare));
  CHECK(toggles.use_triton_sel == false);
  CHECK(toggles.use_sel_pack == false);
  CHECK(toggles.use_fa2 == true);
  CHECK(toggles.use_fa2_win == false);
  CHECK(toggles.use_fa2_cmp == true);
  CHECK(toggles.sel_ranges_v2 == false);
  CHECK(parse({{"NSA_FA2_FORCE_DENSE", "1"}}).fa2_force_dense);
  CHECK(toggles.given.size() == 15);
  CHECK(toggles.given.front() == std::pair<std::string, std::string>("NSA_FORCE_PARITY", "1"));
}

TEST_CASE("every length reaches its member, and -1 means never") {
  const Toggles toggles = parse({{"NSA_SEL_TRITON_MIN_L", "64"},
                                 {"NSA_FA2_MIN_LEN_WIN", "0"},
                                 {"NSA_FA2_MIN_LEN_CMP", "-1"},
                                 {"NSA_SEL_RANGES_V2_MIN_S", "1024"},
                                 {"NSA_LOG_LIMIT", "5"}});
  CHECK(toggles.sel_min_l == 64);
  CHECK(toggles.win_min_len == 0);
  CHECK(toggles.cmp_min_len == -1);
  CHECK(toggles.ranges_v2_min_s == 1024);
  CHECK(toggles.log_limit == 5);
}

TEST_CASE("a forced branch is named as host apps name it") {
  CHECK(parse({{"NSA_FORCE_BRANCH", "cmp"}}).force_branch == Branch::Compressed);
  CHECK(parse({{"NSA_FORCE_BRANCH", "sel"}}).force_branch == Branch::Selection);
  CHECK(parse({{"NSA_FORCE_BRANCH", "win"}}).force_branch == Branch::Sliding);
  CHECK(refusal({{"NSA_FORCE_BRANCH", "all"}}) ==
        "environment variable NSA_FORCE_BRANCH: 'all' is no branch; give cmp, sel or win");
}

TEST_CASE("a value that makes no sense is refused with the variable's name") {
  CHECK(refusal({{"NSA_FORCE_PARITY", "yes"}}) == "environment variable NSA_FORCE_PARITY: 'yes' is neither 0 nor 1");
  CHECK(refusal({{"NSA_SEL_TRITON_MIN_L", "many"}}) == "environment variable NSA_SEL_TRITON_MIN_L: 'many' is not a whole number");
  CHECK(refusal({{"NSA_FA2_MIN_LEN_WIN", "-2"}}) ==
        "environment variable NSA_FA2_MIN_LEN_WIN: '-2' is below -1, which means never");
  CHECK(refusal({{"NSA_LOG_LIMIT", "-1"}}) == "environment variable NSA_LOG_LIMIT: '-1' is below 0");
  CHECK(refusal({{"NSA_FA2_FORCE_VARLEN", "1"}, {"NSA_FA2_FORCE_DENSE", "1"}}) ==
        "environment variable NSA_FA2_FORCE_VARLEN: excludes NSA_FA2_FORCE_DENSE; set one of them");
}

TEST_CASE("toggles are read from the environment; an empty one counts as not set") {
  setenv("NSA_SEL_TRITON_MIN_L", "4096", 1);
  setenv("NSA_FORCE_PARITY", "", 1);
  CHECK(read_toggles().sel_min_l == 4096);
  CHECK_FALSE(read_toggles().force_parity);
  unsetenv("NSA_SEL_TRITON_MIN_L");
  unsetenv("NSA_FORCE_PARITY");
}
