// Layering: no include of the tree crosses the table of who may include whom, and the rules see one that does.
#include <algorithm>

#include <catch2/catch_all.hpp>

#include "tests/layering/include_rules.h"

using nsajit::tests::find_fault;
using nsajit::tests::Include;

namespace {

std::string fault_of(const std::string& file, const std::string& target) {
  return find_fault({.file = file, .line = 1, .target = target}).value_or("none");
}

std::string door_fault_of(const std::string& file, const std::string& target) {
  return find_fault({.file = file, .line = 1, .target = target, .angled = true}).value_or("none");
}

bool contains(const std::vector<Include>& includes, const std::string& file, const std::string& target) {
  return std::any_of(includes.begin(), includes.end(), [&](const Include& i) { return i.file == file && i.target == target; });
}

}  // namespace

TEST_CASE("the tree keeps the direction of the data and the doors of the libraries") {
  const auto includes = nsajit::tests::read_includes(NSAJIT_SOURCE_DIR);
  CHECK(contains(includes, "core/log.cpp", "spdlog/logger.h"));
  CHECK(contains(includes, "tuner/engine.h", "cache/cache.h"));
  CHECK(nsajit::tests::list_faults(includes) == std::vector<std::string>{});
}

TEST_CASE("an include against the direction is a fault") {
  CHECK(fault_of("cache/cache.cpp", "codegen/compiler.h") == "cache includes codegen/compiler.h; it may include core");
  CHECK(fault_of("core/digest.cpp", "cache/cache.h") == "core includes cache/cache.h; it may include only include/nsajit");
  CHECK(fault_of("include/nsajit/op.h", "core/digest.h") == "include includes core/digest.h; it may include only include/nsajit");
  CHECK(fault_of("codegen/a.cpp", "templates/selection/selection_op.h") != "none");
  CHECK(fault_of("templates/selection/a.cpp", "runtime/device.h") != "none");
  CHECK(fault_of("runtime/a.cpp", "tuner/engine.h") == "runtime includes tuner/engine.h; it may include cache, codegen, core");
}

TEST_CASE("an include along the direction is none") {
  CHECK(fault_of("runtime/dispatcher.h", "cache/cache.h") == "none");
  CHECK(fault_of("tuner/parity.cpp", "runtime/device.h") == "none");
  CHECK(fault_of("core/problem.cpp", "core/digest.h") == "none");
  CHECK(fault_of("cache/cache.h", "nsajit/error.h") == "none");
}

TEST_CASE("only the engine of the tuner knows the operations") {
  CHECK(fault_of("tuner/engine.cpp", "templates/selection/selection_op.h") == "none");
  CHECK(fault_of("tuner/parity.cpp", "templates/selection/selection_op.h") ==
        "tuner includes templates/selection/selection_op.h; it may include cache, codegen, core, runtime");
}

TEST_CASE("nobody includes the users of the library") {
  CHECK(fault_of("tuner/a.cpp", "cli/session.h") == "tuner includes cli/session.h; nobody includes cli");
  CHECK(fault_of("core/a.cpp", "tests/support/fake_op.h") == "core includes tests/support/fake_op.h; nobody includes tests");
  CHECK(fault_of("cli/tune.cpp", "cli/session.h") == "none");
}

TEST_CASE("an include that is relative to its file is a fault, outside device code") {
  CHECK(fault_of("cache/cache.cpp", "records.h") == "records.h is not written from the repository root");
  CHECK(fault_of("cache/cache.cpp", "../core/digest.h") == "../core/digest.h is not written from the repository root");
  CHECK(fault_of("templates/selection/query_major.cuh", "common/mma.cuh") == "none");
  CHECK(fault_of("templates/selection/selection_op.cpp", "common/mma.cuh") != "none");
}

TEST_CASE("an external library is included by its door only") {
  CHECK(door_fault_of("runtime/dispatcher.cpp", "sqlite3.h") == "<sqlite3.h> outside its door: cache/sqlite_database.cpp");
  CHECK(door_fault_of("tuner/measure.cpp", "cuda.h") == "<cuda.h> outside its door: runtime/cuda_");
  CHECK(door_fault_of("core/env.cpp", "spdlog/spdlog.h") == "<spdlog/spdlog.h> outside its door: core/log.cpp");
  CHECK(door_fault_of("runtime/cpu_device.cpp", "llvm/IR/Module.h") != "none");
  CHECK(door_fault_of("core/log.cpp", "catch2/catch.hpp") != "none");
  CHECK(door_fault_of("cache/sqlite_database.cpp", "sqlite3.h") == "none");
  CHECK(door_fault_of("tests/core/log_test.cpp", "catch2/catch_all.hpp") == "none");
}

TEST_CASE("a library without a door is a fault, a header of C++ or the system is none") {
  CHECK(door_fault_of("core/a.cpp", "boost/json.hpp") ==
        "<boost/json.hpp> belongs to no library with a door; name its door in tests/layering/include_rules.cpp");
  CHECK(door_fault_of("templates/common/mma.cuh", "cuda_bf16.h") != "none");
  CHECK(door_fault_of("core/a.cpp", "string_view") == "none");
  CHECK(door_fault_of("tuner/a.cpp", "sys/wait.h") == "none");
  CHECK(door_fault_of("tuner/a.cpp", "unistd.h") == "none");
}
