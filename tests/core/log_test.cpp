// Log: levels, and that messages are written as they are.
#include "core/log.h"

#include <catch2/catch_all.hpp>

#include "tests/core/captured_child.h"
#include "tests/core/refusal.h"

using namespace nsajit;
using tests::run_in_child;

TEST_CASE("a message goes to stderr as one line with its level") {
  CHECK(run_in_child([] { log_warn("cache c.db is locked"); }).error_text == "nsajit warning: cache c.db is locked\n");
}

TEST_CASE("a message is not taken for a format") {
  CHECK(run_in_child([] { log_error("kernel {0} %s {"); }).error_text == "nsajit error: kernel {0} %s {\n");
}

TEST_CASE("debug messages are off until the level says otherwise") {
  CHECK(run_in_child([] { log_debug("x"); }).error_text.empty());
  CHECK(run_in_child([] {
          set_log_level(LogLevel::Debug);
          log_debug("x");
        }).error_text == "nsajit debug: x\n");
}

TEST_CASE("a level silences what is below it") {
  CHECK(run_in_child([] {
          set_log_level(LogLevel::Error);
          log_warn("x");
          log_info("x");
        }).error_text.empty());
  CHECK(run_in_child([] {
          set_log_level(LogLevel::Off);
          log_error("x");
        }).error_text.empty());
}

TEST_CASE("levels are read by name and an unknown one lists them") {
  CHECK(parse_log_level("warn") == LogLevel::Warn);
  CHECK(parse_log_level("off") == LogLevel::Off);
  CHECK(tests::refusal_of([] { parse_log_level("loud"); }).message ==
        "unknown log level 'loud'; accepted: trace, debug, info, warn, error, off");
}
