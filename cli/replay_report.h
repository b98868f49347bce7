#pragma once
// Replay report: regret of each strategy at each budget, over all spaces and seeds, as a table or JSON.

#include <cstdint>
#include <string>
#include <vector>

namespace nsajit::cli {

struct ReplayRow {
  std::string strategy;
  std::string budget;  // as given: "20", "10%", "all"
  double trials = 0;   // mean per search
  double share = 0;    // mean share of the space's configs that were tried
  double samples = 0;  // mean runs of a kernel before the final race
  double median = 0;   // of the regret over spaces and seeds
  double p95 = 0;
  double worst = 0;
  std::int64_t worse_than_default = 0;  // searches whose winner is slower than the default by more than the tie band
  std::int64_t searches = 0;
};

struct ReplayReport {
  std::size_t spaces = 0;
  std::size_t complete = 0;
  std::size_t configs = 0;
  std::uint64_t seeds = 0;
  double trials_per_s = 0;
  std::vector<ReplayRow> rows;
};

std::string format_replay_table(const ReplayReport& report);
std::string format_replay_markdown(const ReplayReport& report);
std::string format_replay_json(const ReplayReport& report);

}  // namespace nsajit::cli
