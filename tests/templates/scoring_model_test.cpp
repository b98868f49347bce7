// The scoring model beside times that one H200 took (docs/performance.md).

#include <algorithm>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "tests/support/h200.h"

using namespace nsajit;
using nsajit::testing::h200;

namespace {

struct Measured {
  const char* workload;
  const char* config;
  double time_us;
};

constexpr const char* kLong = "scoring,bf16,dk=128,group=16;B=1,S=65536,G=4";
constexpr Measured kMeasured[] = {
    {"scoring,bf16,dk=128,group=16;B=1,S=8192,G=4", "3,128", 145},
    {kLong, "3,128", 5050},
    {kLong, "2,128", 5610},
    {"scoring,bf16,dk=192,group=16;B=1,S=65536,G=4", "2,128", 6030},
    {"scoring,bf16,dk=64,group=6;B=4,S=2048,G=2", "2,96", 19.8},
    {"scoring,bf16,dk=64,group=6;B=4,S=8192,G=2", "3,96", 106},
    {"scoring,bf16,dk=64,group=1,l=16;B=1,S=8192,G=12", "3,32", 83.8},
    {"scoring,bf16,dk=128,group=4;B=1,S=8192,G=8", "3,64", 101},
    {"scoring,bf16,dk=128,group=4;B=1,S=65536,G=8", "3,64", 3450},
    {"scoring,bf16,dk=128,group=1;B=1,S=32768,G=32", "3,32", 2370},
    {"scoring,bf16,dk=128,group=16,l_sel=128,n_sel=8;B=1,S=32768,G=2", "3,128", 649},
    {kLong, "8 warps,64", 19148},
    {kLong, "8 warps,128", 13484},
    {kLong, "4 warps,128", 9449},
    {kLong, "4 warps,64", 10871},
    {"scoring,bf16,dk=192,group=16;B=1,S=65536,G=4", "4 warps,128", 18077},
    {"scoring,bf16,dk=128,group=4;B=1,S=65536,G=8", "4 warps,64", 6938},
    {"scoring,bf16,dk=128,group=1;B=1,S=32768,G=32", "8 warps,32", 4982},
    {"scoring,bf16,dk=128,group=1;B=1,S=32768,G=32", "4 warps,32", 3975},
    {"scoring,bf16,dk=128,group=16,l_sel=128,n_sel=8;B=1,S=32768,G=2", "4 warps,128", 1193},
};

// "3,128": warpgroups and columns; "8 warps,64": of the other kernel.
Config read_config(const std::string& text) {
  const std::string first = text.substr(0, text.find_first_of(" ,")), columns = text.substr(text.find(',') + 1);
  if (text.find("warps") != std::string::npos)
    return parse_config("score_mma{columns=" + columns + ",room=128,stages=2,warps=" + first + "}");
  return parse_config("score_wgmma{ahead=0,blocks_per_sm=1,columns=" + columns +
                      ",persistent=1,room=128,stages=3,warpgroups=" + first + "}");
}

double predict_us(const Measured& row) {
  const Workload w = parse_workload(row.workload);
  const auto predicted = find_op(w.problem).predict(w, read_config(row.config), h200());
  return predicted.value().time_us;
}

}  // namespace

TEST_CASE("the scoring model is within a third of what was measured") {
  for (const Measured& row : kMeasured) {
    const double ratio = predict_us(row) / row.time_us;
    INFO(row.workload << " " << row.config << ": predicted " << predict_us(row) << " us, measured " << row.time_us);
    CHECK(std::max(ratio, 1 / ratio) < 1.33);
  }
}

TEST_CASE("the scoring model orders kernels as they were measured") {
  std::vector<Measured> rows;
  std::ranges::copy_if(kMeasured, std::back_inserter(rows), [](const Measured& row) { return row.workload == kLong; });
  std::ranges::sort(rows, {}, &Measured::time_us);
  CHECK(rows.size() == 6);
  CHECK(std::ranges::is_sorted(rows, {}, predict_us));
}

TEST_CASE("with fewer items than processors the scoring model prefers narrow ones: their tiles come one after the other") {
  constexpr const char* kShort = "scoring,bf16,dk=32,group=4;B=1,S=1536,G=2";
  CHECK(predict_us({kShort, "4 warps,32", 0}) < predict_us({kShort, "4 warps,128", 0}));
  CHECK(predict_us({kShort, "2 warps,32", 0}) < predict_us({kShort, "2 warps,96", 0}));
}

TEST_CASE("the scoring model knows amounts but no time of another machine, and nothing of fp32") {
  const Workload w = parse_workload(kLong);
  const Op& op = find_op(w.problem);
  const auto elsewhere = op.predict(w, read_config("3,128"), cuda_profile("90a"));
  REQUIRE(elsewhere);
  CHECK(elsewhere->time_us == 0);
  CHECK(elsewhere->flops > op.work(w).flops);
  const Workload exact = parse_workload("scoring,fp32,dk=128,group=16;B=1,S=65536,G=4");
  CHECK_FALSE(op.predict(exact, op.default_config(exact.problem, h200()), h200()));
}
