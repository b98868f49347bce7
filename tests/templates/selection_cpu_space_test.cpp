// The CPU space: valid defaults for every tuple, a reason for every exclusion, plans that cover every row.

#include <numeric>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "nsajit/op.h"
#include "templates/selection/selection_backends.h"
#include "tests/templates/fields_config.h"

using namespace nsajit;
using namespace nsajit::templates_test;

namespace {

const templates::BackendFunctions& kCpu = templates::selection::kCpuFunctions;

// The first tuple of the grid whose default is not in its space; empty: none.
std::string find_invalid_default(DType dtype, int width) {
  const Target target = cpu_target(width);
  for (int group = 1; group <= 64; ++group)
    for (const int dk : {16, 48, 128, 256})
      for (const int dv : {16, 64, 208, 256}) {
        Problem problem{.dtype = dtype, .dk = dk, .dv = dv, .group = group};
        const auto reason = kCpu.space(problem, target).find_violation(kCpu.default_config(problem, target));
        if (reason) return to_string(problem) + ": " + *reason;
      }
  return "";
}

int field(const Unit& unit, std::string_view name) {
  for (const auto& [key, value] : unit.fields)
    if (key == name) return value;
  return -1;
}

// What the kernel relies on: blocks divide what they cut, and the sums of a block fit the registers.
std::string find_broken_blocks(const Problem& problem, const Target& target) {
  const SearchSpace space = kCpu.space(problem, target);
  for (const Config& config : space.valid_configs()) {
    const Unit unit = kCpu.unit(problem, config, target);
    const int width = field(unit, "width"), lanes = field(unit, "lane_heads"), heads = field(unit, "heads");
    const int vectors = heads / lanes, key_block = field(unit, "key_block"), phases = width / lanes;
    const bool whole = heads >= problem.group && heads % lanes == 0 && heads % field(unit, "value_heads") == 0 &&
                       vectors % field(unit, "score_groups") == 0 && key_block % phases == 0 &&
                       field(unit, "tile") % key_block == 0 && problem.dv % (width * field(unit, "value_vectors")) == 0;
    const int registers = width == 16 ? 32 : 16;
    const bool fits = field(unit, "score_groups") * key_block < registers &&
                      field(unit, "value_heads") * field(unit, "value_vectors") < registers;
    if (!whole || !fits) return to_string(config);
  }
  return space.valid_configs().empty() ? "no config" : "";
}

std::uint64_t count_excluded(const SearchSpace& space) {
  const auto reasons = space.count_violations();
  return std::accumulate(reasons.begin(), reasons.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

}  // namespace

TEST_CASE("the CPU default is in the space for every group and head size") {
  CHECK(find_invalid_default(DType::BF16, 16) == "");
  CHECK(find_invalid_default(DType::BF16, 8) == "");
  CHECK(find_invalid_default(DType::FP32, 16) == "");
}

TEST_CASE("every config of the CPU space cuts heads, keys and dv into whole blocks that fit the registers") {
  for (const char* tuple : {"group=16", "group=6,dk=64,dv=64", "group=1,fp32,dk=64,dv=64", "group=4,dk=32,dv=32",
                            "group=7,dk=48,dv=208", "group=64,dk=256,dv=256"})
    for (const int width : {8, 16}) CHECK(find_broken_blocks(parse_problem(tuple), cpu_target(width)) == "");
}

TEST_CASE("every combination that the CPU space leaves out has a reason") {
  const SearchSpace space = kCpu.space(parse_problem("group=16"), cpu_target(8));
  CHECK(space.valid_configs().size() + count_excluded(space) == space.size());
  CHECK(space.find_violation(kCpu.default_config(parse_problem("group=16"), cpu_target(16))).value().find("AVX-512") !=
        std::string::npos);
}

TEST_CASE("a CPU plan covers every row once and cuts short grids finer") {
  const Workload decode = parse_workload("group=4;B=2,S=1,S_kv=4096,G=4");
  const LaunchPlan plan = kCpu.plan(decode, kCpu.default_config(decode.problem, cpu_target(16)), cpu_target(16));
  CHECK(plan.steps.size() == 1);
  CHECK(plan.steps[0].grid[0] * plan.steps[0].block[0] == 8);
  CHECK(plan.steps[0].block[0] == 1);
  CHECK(plan.workspace_bytes == 0);
}

TEST_CASE("fp16 on a CPU without F16C is refused with the way out") {
  Target old = cpu_target(8);
  old.features = "+sse2,-f16c";
  CHECK_THROWS_AS(kCpu.space(parse_problem("fp16"), old), Error);
}
