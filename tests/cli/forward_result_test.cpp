// Forward result: the length from which a pass wins, and the row and JSON of what was measured.

#include "cli/forward_result.h"

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

namespace nsajit::cli {
using Catch::Matchers::Contains;
namespace {

ForwardContender timed(const char* name, double us) {
  return {.name = name,
          .kernel = "k{a=1}",
          .timing = {.summary = {.median = us, .low = 0.9 * us, .high = 1.1 * us, .samples = 9}, .samples_us = {us}}};
}

ForwardRow row(std::int64_t S, double forward, double dense) {
  ForwardRow made{.workload = {.problem = {.branch = Branch::Gate}, .S = S, .S_kv = S, .G = 4}, .workspace_bytes = 3 << 20};
  made.contenders = {timed("sel", forward / 2), timed("forward", forward), timed("dense", dense)};
  return made;
}

}  // namespace

TEST_CASE("a pass wins from the length on from which it never loses again") {
  CHECK(find_winning_length({row(512, 9, 10), row(1024, 11, 10), row(2048, 9, 10), row(4096, 5, 10)}) == 2048);
  CHECK(find_winning_length({row(4096, 5, 10), row(512, 9, 10)}) == 512);  // in whatever order
  CHECK(find_winning_length({row(512, 9, 10), row(1024, 10, 10)}) == std::nullopt);
  CHECK(find_winning_length({}) == std::nullopt);
}

TEST_CASE("the faster whole pass counts, whichever it is") {
  ForwardRow both = row(512, 12, 10);
  both.contenders.push_back(timed("beside", 8));
  CHECK(forward_us(both) == 8);
  CHECK(dense_ratio(both) == 1.25);
  CHECK(find_winning_length({both}) == 512);
}

TEST_CASE("tuples are told apart, and each says where it wins") {
  ForwardRow other = row(512, 20, 10);
  other.workload.problem.dk = 192;
  const std::string text = format_winning_lengths({row(512, 5, 10), other, row(1024, 5, 10)});
  CHECK_THAT(text, Contains("B=1 64/4 128/128 64x16: faster than dense attention from S = 512 on\n") &&
                       Contains("B=1 64/4 192/128 64x16: dense attention is faster at every length"));
}

TEST_CASE("a row has a place for what was not measured") {
  const std::string text = format_forward_row(row(8192, 2000, 3000));
  CHECK_THAT(text, Contains("B=1 S=8192 64/4 128/128 64x16") && Contains("   1.0000") && Contains(" - ") && Contains("1.50x") &&
                       Contains("10.0 %") && Contains("3.0 MiB"));
}

TEST_CASE("the JSON has machine, samples and bytes") {
  const auto json =
      nlohmann::json::parse(format_forward_json({.target = {.name = "CPU"}, .rounds = 9, .rows = {row(512, 5, 10)}}));
  CHECK(json["gpu"] == "CPU");
  CHECK(json["rows"][0]["workspace_bytes"] == 3 << 20);
  CHECK(json["rows"][0]["dense_over_forward"] == 2.0);
  CHECK(json["rows"][0]["contenders"][1]["name"] == "forward");
  CHECK(json["rows"][0]["contenders"][1]["samples_us"].size() == 1);
}

}  // namespace nsajit::cli
