// routing end to end: the environment's toggles, a device or a profile, text and JSON.

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace {

using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

const std::string kTuple = " --device cpu --dtype fp32 --dk 32 --dv 32 --group 2 --S 48 --S-kv 256 --l-sel 32 --n-sel 4 --G 2 ";

nlohmann::json route_of(const TemporaryFolder& folder, const std::string& arguments, const std::string& variables = "") {
  const auto result = run_program(folder, "routing --json " + arguments, variables);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return nlohmann::json::parse(result.out)["routes"][0];
}

}  // namespace

TEST_CASE("routing without a tuple names every branch") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "routing --device cpu");
  CHECK(result.exit_code == 0);
  for (const char* branch : {"selection", "compressed", "scoring", "sliding", "gate", "pooling"})
    CHECK(result.out.find(std::string("\n") + branch + " bf16") != std::string::npos);
  CHECK(result.out.find("toggles   none set") != std::string::npos);
}

TEST_CASE("a profile stands in for a device, and SM 8.9 waits for a win of its own unless forced") {
  const TemporaryFolder folder;
  CHECK(route_of(folder, "--profile arch=89")["served"] == "baseline");
  CHECK(route_of(folder, "--profile arch=89", "NSA_TRITON_SEL_FORCE=1")["served"] == "tuned");
  CHECK(route_of(folder, "--profile 90a")["why"].get<std::string>().find("nothing is stored") == 0);
  CHECK(run_program(folder, "routing --profile arch=12").exit_code == 2);
}

TEST_CASE("a tuned tuple is routed by the toggles that are set") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, "tune --max-trials 3" + kTuple).exit_code == 0);
  const auto far = route_of(folder, kTuple, "NSA_SEL_TRITON_MIN_L=100000");
  CHECK(far["served"] == "baseline");
  CHECK(far["threshold"] == 100000);
  CHECK(route_of(folder, kTuple, "NSA_FORCE_PARITY=1 NSA_SEL_TRITON_MIN_L=1")["why"] ==
        "NSA_FORCE_PARITY=1 keeps everything on packed SDPA");
  // Whether the tuned kernel won on this machine today is the tuner's to say; the threshold no longer is.
  const auto near = route_of(folder, kTuple, "NSA_SEL_TRITON_MIN_L=1");
  CHECK(near["threshold"] == 1);
  CHECK((near["served"] == "tuned" || near["why"].get<std::string>().find("packed SDPA") != std::string::npos));
}

TEST_CASE("a toggle that makes no sense is bad input, and stops no other command") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "routing --device cpu", "NSA_FORCE_BRANCH=all");
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("give cmp, sel or win") != std::string::npos);
  CHECK(run_program(folder, "report", "NSA_FORCE_BRANCH=all").exit_code == 3);
}
