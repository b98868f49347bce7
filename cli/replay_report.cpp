// Replay report: one row per strategy and budget; regrets in percent.

#include "cli/replay_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/text_table.h"

namespace nsajit::cli {
namespace {

std::vector<std::string> headings() {
  return {"strategy", "budget", "trials", "of space", "samples", "median", "p95", "worst", "worse than default"};
}

std::vector<std::string> cells(const ReplayRow& row) {
  return {row.strategy,
          row.budget,
          fmt::format("{:.1f}", row.trials),
          fmt::format("{:.0f} %", 100 * row.share),
          fmt::format("{:.0f}", row.samples),
          fmt::format("{:.2f} %", 100 * row.median),
          fmt::format("{:.2f} %", 100 * row.p95),
          fmt::format("{:.1f} %", 100 * row.worst),
          fmt::format("{} of {}", row.worse_than_default, row.searches)};
}

std::string summary(const ReplayReport& report) {
  return fmt::format("{} spaces ({} complete), {} configs, {} seeds; {:.2g} trials/s\n", report.spaces, report.complete,
                     report.configs, report.seeds, report.trials_per_s);
}

std::string markdown_row(const std::vector<std::string>& row) {
  std::string line = "|";
  for (const auto& cell : row) line += fmt::format(" {} |", cell);
  return line + "\n";
}

}  // namespace

std::string format_replay_table(const ReplayReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const ReplayRow& row : report.rows) rows.push_back(cells(row));
  return format_text_table(headings(), rows) + summary(report);
}

std::string format_replay_markdown(const ReplayReport& report) {
  std::string text = markdown_row(headings()) + markdown_row(std::vector<std::string>(headings().size(), "---"));
  for (const ReplayRow& row : report.rows) text += markdown_row(cells(row));
  return text + "\n" + summary(report);
}

std::string format_replay_json(const ReplayReport& report) {
  auto rows = nlohmann::json::array();
  for (const ReplayRow& row : report.rows) {
    rows.push_back({{"strategy", row.strategy},
                    {"budget", row.budget},
                    {"trials", row.trials},
                    {"share", row.share},
                    {"samples", row.samples},
                    {"regret_median", row.median},
                    {"regret_p95", row.p95},
                    {"regret_worst", row.worst},
                    {"worse_than_default", row.worse_than_default},
                    {"searches", row.searches}});
  }
  const nlohmann::json document = {{"spaces", report.spaces}, {"complete", report.complete},         {"configs", report.configs},
                                   {"seeds", report.seeds},   {"trials_per_s", report.trials_per_s}, {"rows", std::move(rows)}};
  return document.dump(2) + "\n";
}

}  // namespace nsajit::cli
