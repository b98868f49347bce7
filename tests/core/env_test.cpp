// Environment: what is read, and where the cache lies by default.
#include "core/env.h"

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"
#include "tests/support/variable.h"

using namespace nsajit;
using testing::Variable;

TEST_CASE("each variable is read into its field") {
  const Variable variables[] = {
      {"NSAJIT_CACHE", "c.db"},      {"NSAJIT_TEMPLATE_DIR", "t"}, {"NSAJIT_DUMP", "d"}, {"NSAJIT_NVRTC", "n.so"},
      {"NSAJIT_LIBCUDA", "cuda.so"}, {"NSAJIT_LOG", "warn"},       {"HOME", "h"},        {"XDG_CACHE_HOME", "x"},
      {"NSAJIT_THREADS", "3"},       {"NSAJIT_CAPTURE", "seen"}};
  const Environment environment = read_environment();
  CHECK(environment.cache_path == "c.db");
  CHECK(environment.template_dir == "t");
  CHECK(environment.dump_dir == "d");
  CHECK(environment.capture_dir == "seen");
  CHECK(environment.nvrtc_path == "n.so");
  CHECK(environment.cuda_path == "cuda.so");
  CHECK(environment.log_level == "warn");
  CHECK(environment.home == "h");
  CHECK(environment.xdg_cache_home == "x");
  CHECK(environment.cpu_threads == 3);
}

TEST_CASE("a variable that is set but empty counts as not set") {
  const Variable cache("NSAJIT_CACHE", "");
  const Variable threads("NSAJIT_THREADS", "");
  CHECK_FALSE(read_environment().cache_path.has_value());
  CHECK(read_environment().cpu_threads == 0);
}

TEST_CASE("a thread count that is no number is refused with the variable's name") {
  const Variable threads("NSAJIT_THREADS", "many");
  CHECK(tests::refusal_of([] { read_environment(); }).message ==
        "environment variable NSAJIT_THREADS: 'many' is not a whole number");
}

TEST_CASE("a negative thread count is refused") {
  const Variable threads("NSAJIT_THREADS", "-1");
  CHECK(tests::refusal_of([] { read_environment(); }).message ==
        "environment variable NSAJIT_THREADS: '-1' is negative; give 0 for all hardware threads");
}

TEST_CASE("the cache lies where the environment says, then in the user's cache folder, then here") {
  CHECK(default_cache_path({.cache_path = "a.db", .home = "/h", .xdg_cache_home = "/x"}) == "a.db");
  CHECK(default_cache_path({.home = "/h", .xdg_cache_home = "/x"}) == "/x/nsajit/cache.db");
  CHECK(default_cache_path({.home = "/h"}) == "/h/.cache/nsajit/cache.db");
  CHECK(default_cache_path({}) == "./nsajit-cache.db");
}
