// The model of dense attention beside times that one H200 took (bench/replay, cache/pretuned).

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "tests/support/h200.h"

using namespace nsajit;
using nsajit::testing::h200;

namespace {

struct Measured {
  const char* workload;
  const char* config;  // of dense_wgmma: blocks of threads an SM, persistent, Q in registers, stages, tile, warpgroups; of
                       // dense_mma: stages, tile, warps
  double time_us;
};

constexpr const char* kNarrow = "sliding,bf16,dk=64,dv=64,w=512,group=6;B=2,S=4096,G=2";
constexpr const char* kWide = "sliding,bf16,dk=128,dv=128,w=512,group=16;B=2,S=4096,G=2";
constexpr const char* kShort = "compressed,bf16,dk=128,dv=128,l=32,d=16,group=16;B=1,S=1536,G=2";
// Best, middle and worst of complete spaces that the rates were fitted to.
constexpr Measured kFitted[] = {
    {kNarrow, "1 1 1 4 64 3", 49.2}, {kNarrow, "1 1 1 3 64 2", 66.7}, {kNarrow, "2 32 8", 117.7},
    {kWide, "1 1 0 4 64 3", 157.2},  {kWide, "1 1 1 4 64 1", 257.6},  {kWide, "2 32 8", 394},
    {kShort, "1 1 0 4 64 3", 18.1},  {kShort, "3 32 4", 24.3},        {kShort, "1 0 1 3 128 1", 34.3},
};
// Of tunings of other and longer workloads.
constexpr Measured kOthers[] = {
    {"compressed,bf16,dk=192,dv=128,l=32,d=16,group=16;B=1,S=65536,G=4", "1 1 1 4 64 2", 8910},
    {"compressed,bf16,dk=128,dv=128,l=32,d=16,group=4;B=1,S=8192,G=8", "1 1 0 4 64 3", 98.4},
    {"sliding,bf16,dk=128,dv=128,w=512,group=4;B=1,S=65536,G=8", "1 1 0 4 64 3", 1124},
    {"sliding,bf16,dk=64,dv=64,w=512,group=6;B=4,S=2048,G=2", "1 1 1 4 64 3", 48},
};

Config read_config(const std::string& text) {
  std::vector<int> values;
  for (std::size_t at = 0; at < text.size(); at = text.find_first_not_of(' ', text.find(' ', at)))
    values.push_back(std::stoi(text.substr(at)));
  if (values.size() == 3)
    return {.variant = "dense_mma", .values = {{"stages", values[0]}, {"tile", values[1]}, {"warps", values[2]}}};
  return {.variant = "dense_wgmma",
          .values = {{"blocks_per_sm", values.at(0)},
                     {"persistent", values.at(1)},
                     {"q_registers", values.at(2)},
                     {"stages", values.at(3)},
                     {"tile", values.at(4)},
                     {"warpgroups", values.at(5)}}};
}

double predict_us(const Measured& row) {
  const Workload w = parse_workload(row.workload);
  return find_op(w.problem).predict(w, read_config(row.config), h200()).value().time_us;
}

void check_all(std::span<const Measured> rows, double limit) {
  for (const Measured& row : rows) {
    const double ratio = predict_us(row) / row.time_us;
    INFO(row.workload << " " << row.config << ": predicted " << predict_us(row) << " us, measured " << row.time_us);
    CHECK(std::max(ratio, 1 / ratio) < limit);
  }
}

}  // namespace

TEST_CASE("the dense model is within a fifth of the best that it was fitted to, and a factor of 1.6 of the rest") {
  check_all(kFitted, 1.6);
  for (const Measured& best : {kFitted[0], kFitted[3], kFitted[6]}) check_all({&best, 1}, 1.2);
}

TEST_CASE("the dense model is within a quarter of longer workloads that it was not fitted to") { check_all(kOthers, 1.25); }

TEST_CASE("the dense model orders kernels as they were measured") {
  for (const char* workload : {kNarrow, kWide, kShort}) {
    std::vector<Measured> rows;
    std::ranges::copy_if(kFitted, std::back_inserter(rows), [&](const Measured& row) { return row.workload == workload; });
    INFO(workload);
    CHECK(rows.size() == 3);
    CHECK(std::ranges::is_sorted(rows, {}, predict_us));
  }
}

TEST_CASE("where few blocks of rows leave processors idle, more of them are expected to be faster") {
  const Workload few = parse_workload("sliding,bf16,dk=64,dv=64,w=512,group=1;B=1,S=1536,G=2");
  const Op& op = find_op(few.problem);
  const auto time_us = [&](const char* config) { return op.predict(few, read_config(config), h200())->time_us; };
  CHECK(time_us("1 1 1 6 64 1") < time_us("1 1 1 6 64 2"));
  CHECK(time_us("1 1 1 6 64 2") < time_us("1 1 1 6 64 3"));
}

TEST_CASE("the dense model knows amounts but no time of another machine, and nothing of fp32") {
  const Workload w = parse_workload(kWide);
  const Op& op = find_op(w.problem);
  const auto elsewhere = op.predict(w, read_config("1 1 0 4 64 3"), cuda_profile("90a"));
  REQUIRE(elsewhere);
  CHECK(elsewhere->time_us == 0);
  CHECK(elsewhere->flops > op.work(w).flops);
  const Workload exact = parse_workload("sliding,fp32,dk=64,dv=64,w=512,group=1;B=1,S=1536,G=2");
  CHECK_FALSE(op.predict(exact, op.default_config(exact.problem, h200()), h200()));
}
