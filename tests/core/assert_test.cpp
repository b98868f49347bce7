// NSAJIT_ASSERT: ends the process with its reason.
#include "core/assert.h"

#include <csignal>

#include <catch2/catch_all.hpp>

#include "nsajit/search_space.h"
#include "tests/core/captured_child.h"

using nsajit::tests::run_in_child;

TEST_CASE("an assertion that does not hold aborts with its condition and its reason") {
  const auto outcome = run_in_child([] { NSAJIT_ASSERT(1 > 2, "numbers are ordered"); });
  CHECK(outcome.signal == SIGABRT);
  CHECK_THAT(outcome.error_text,
             Catch::Matchers::StartsWith("nsajit: internal error at ") &&
                 Catch::Matchers::EndsWith(": numbers are ordered (1 > 2 does not hold). Please report this.\n"));
}

TEST_CASE("an assertion that holds is silent") {
  const auto outcome = run_in_child([] { NSAJIT_ASSERT(2 > 1, "numbers are ordered"); });
  CHECK(outcome.signal == 0);
  CHECK(outcome.error_text.empty());
}

TEST_CASE("a space that cannot be counted, or is ambiguous, is a bug and aborts") {
  using nsajit::VariantSpace;
  CHECK(run_in_child([] { VariantSpace("v").dimension("a", {}); }).signal == SIGABRT);
  CHECK(run_in_child([] { VariantSpace("v").dimension("a", {1, 1}); }).signal == SIGABRT);
  CHECK(run_in_child([] { VariantSpace("v").dimension("a", {1}).dimension("a", {2}); }).signal == SIGABRT);
  CHECK(run_in_child([] { nsajit::SearchSpace().add(VariantSpace("v")).add(VariantSpace("v")); }).signal == SIGABRT);
}
