// The model against trials that were measured on an H200: are configs ranked as they were timed, how far off are times?

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "templates/selection/cuda_model.h"
#include "tests/support/h200.h"

namespace {

using namespace nsajit;
using nsajit::testing::h200;

constexpr const char* kRecorded =
#include "recorded_trials.inc"
    ;

struct Trial {
  double measured_us = 0;
  double predicted_us = 0;
};

Trial predict_trial(const std::string& workload, const std::string& line) {
  const auto space = line.rfind(' ');
  const auto predicted = templates::predict_cuda(parse_workload(workload), parse_config(line.substr(0, space)), h200());
  return {.measured_us = std::stod(line.substr(space + 1)), .predicted_us = predicted.value().time_us};
}

// By workload.
std::map<std::string, std::vector<Trial>> read_trials() {
  std::map<std::string, std::vector<Trial>> trials;
  std::istringstream lines(kRecorded);
  std::string workload;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    if (line.starts_with("selection,"))
      workload = line;
    else
      trials[workload].push_back(predict_trial(workload, line));
  }
  return trials;
}

double rank_of(double value, const std::vector<Trial>& trials, double Trial::*time) {
  double rank = 0;
  for (const Trial& trial : trials) rank += trial.*time < value ? 1 : trial.*time == value ? 0.5 : 0;
  return rank;
}

double spearman(const std::vector<Trial>& trials) {
  const double mean = 0.5 * static_cast<double>(trials.size());
  double both = 0, predicted = 0, measured = 0;
  for (const Trial& trial : trials) {
    const double a = rank_of(trial.predicted_us, trials, &Trial::predicted_us) - mean;
    const double b = rank_of(trial.measured_us, trials, &Trial::measured_us) - mean;
    both += a * b;
    predicted += a * a;
    measured += b * b;
  }
  return both / std::sqrt(predicted * measured);
}

// Best measured among the tenth that the model likes best, over the best of all.
double loss_of_best_tenth(std::vector<Trial> trials) {
  const auto by_measured = [](const Trial& a, const Trial& b) { return a.measured_us < b.measured_us; };
  const double best = std::min_element(trials.begin(), trials.end(), by_measured)->measured_us;
  std::sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.predicted_us < b.predicted_us; });
  const auto tenth = static_cast<std::ptrdiff_t>((trials.size() + 9) / 10);
  return std::min_element(trials.begin(), trials.begin() + tenth, by_measured)->measured_us / best;
}

}  // namespace

TEST_CASE("the model ranks the measured configs of each tuple") {
  const auto trials = read_trials();
  REQUIRE(trials.size() == 7);
  for (const auto& [workload, of_tuple] : trials) {
    INFO(workload << ": rank correlation " << spearman(of_tuple) << ", best tenth " << loss_of_best_tenth(of_tuple));
    CHECK(spearman(of_tuple) > 0.87);
    CHECK(loss_of_best_tenth(of_tuple) < 1.1);
  }
}

TEST_CASE("half of all predictions are within a tenth, none is off by half") {
  std::vector<double> off;
  for (const auto& [workload, of_tuple] : read_trials())
    for (const Trial& trial : of_tuple) off.push_back(std::fabs(std::log(trial.predicted_us / trial.measured_us)));
  std::sort(off.begin(), off.end());
  CHECK(off[off.size() / 2] < std::log(1.1));
  CHECK(off.back() < std::log(1.5));
}

TEST_CASE("a machine whose rates are not known gets amounts, no time") {
  const Workload workload = parse_workload("bf16,dk=64,dv=64,group=6;S=2048,G=2");
  const Target target = cuda_profile("80");
  const Op& op = find_op(workload.problem);
  const auto predicted = op.predict(workload, op.default_config(workload.problem, target), target);
  REQUIRE(predicted.has_value());
  CHECK(predicted->time_us == 0);
  CHECK(predicted->l2_bytes > 0);
}

TEST_CASE("ranking keeps every config, the quickest first") {
  const Workload workload = parse_workload("bf16,dk=128,dv=128,group=4;S=8192,G=8");
  const Config quick = parse_config("kv_major_wgmma{blocks_per_sm=2,chunk=16384,item_pairs=512,keys=64,warpgroups=2}");
  const Config slow = parse_config("query_major{columns=1,heads=8,key_warps=2,keys=16,queries=1,stages=2,through_l1=0}");
  CHECK(templates::rank_by_prediction(workload, h200(), {slow, quick}) == std::vector<Config>{quick, slow});
}

TEST_CASE("fp32: the model is within a fifth of the best and the worst of complete spaces on an H200") {
  struct Row {
    const char* config;
    double time_us;
  };
  const auto check = [](const char* sizes, std::initializer_list<Row> rows) {
    const Workload workload = parse_workload(sizes);
    double before = 0;
    for (const Row& row : rows) {
      const auto config = parse_config(std::string("query_major_fp32{") + row.config + "}");
      const double predicted = find_op(workload.problem).predict(workload, config, h200()).value().time_us;
      INFO(sizes << " " << row.config << ": predicted " << predicted << " us, measured " << row.time_us);
      CHECK(std::max(predicted / row.time_us, row.time_us / predicted) < 1.2);
      CHECK(predicted > before);
      before = predicted;
    }
  };
  check("fp32,dk=64,dv=64,group=6;B=2,S=4096,G=2", {{"key_warps=1,keys=32,queries=1,stages=2,through_l1=0", 1292},

                                                    {"key_warps=4,keys=32,queries=1,stages=3,through_l1=0", 1995}});
  check("fp32,dk=128,dv=128,group=4;B=2,S=4096,G=2", {{"key_warps=1,keys=8,queries=2,stages=2,through_l1=1", 2026},

                                                      {"key_warps=2,keys=32,queries=1,stages=3,through_l1=0", 4030}});
  check("fp32,dk=32,dv=32,group=4;B=2,S=4096,G=2", {{"key_warps=1,keys=32,queries=2,stages=2,through_l1=1", 529},

                                                    {"key_warps=2,keys=8,queries=1,stages=3,through_l1=0", 1030}});
}

TEST_CASE("fp32: nothing is expected of packed SDPA") {
  const Workload workload = parse_workload("fp32,dk=64,dv=64,group=6;S=2048,G=2");
  const Op& op = find_op(workload.problem);
  CHECK_FALSE(op.predict(workload, op.baseline_config(workload.problem, h200()), h200()));
}
