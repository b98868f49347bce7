// LimitedLog: so many lines per tag, the last of which says so.

#include "runtime/limited_log.h"

#include <catch2/catch_all.hpp>

#include "core/log.h"
#include "tests/cache/captured_stderr.h"

namespace nsajit::runtime {

TEST_CASE("each tag has its lines, the last of which says that there will be no more", "[runtime]") {
  set_log_level(LogLevel::Info);
  const cache::CapturedStderr captured;
  LimitedLog log(2);
  for (const char* text : {"one", "two", "three"}) log.write("a", text);
  log.write("b", "other");
  CHECK(captured.lines() == 3);
  CHECK(captured.text().find("two (NSA_LOG_LIMIT reached)") != std::string::npos);
  CHECK(captured.text().find("three") == std::string::npos);
}

TEST_CASE("without a limit every line is written", "[runtime]") {
  set_log_level(LogLevel::Info);
  const cache::CapturedStderr captured;
  LimitedLog log(std::nullopt);
  for (int i = 0; i < 5; ++i) log.write("a", "line");
  CHECK(captured.lines() == 5);
}

}  // namespace nsajit::runtime
