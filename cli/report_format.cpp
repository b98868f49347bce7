// Report format: table and markdown share their cells; csv and json carry full texts and plain units.

#include "cli/report_format.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/text_table.h"
#include "cli/tuple_text.h"

namespace nsajit::cli {
namespace {

const std::vector<std::string> kHeadings{"tuple",        "sizes",  "overlap",     "winner",   "ms",
                                         "predicted ms", "spread", "baseline ms", "speed-up", "max error / allowed",
                                         "threshold",    "trials", "date"};

std::string describe_baseline(const ReportRow& row) {
  if (row.winner.baseline_us > 0) return fmt::format("{:.4g}", row.winner.baseline_us / 1e3);
  return row.baseline ? std::string(to_string(row.baseline->status)) : "none";
}

std::string describe_threshold(const ReportRow& row) {
  if (row.threshold_name.empty()) return "none";
  return row.threshold ? std::to_string(row.threshold->value) : "not known";
}

// "24 ok, 2 parity, 1 compile_error"
std::string describe_trials(const ReportRow& row) {
  const std::string ok(to_string(cache::TrialStatus::Measured));
  const auto measured = row.trials.find(ok);
  std::string text = fmt::format("{} ok", measured == row.trials.end() ? 0 : measured->second);
  for (const auto& [status, count] : row.trials) {
    if (status != ok) text += fmt::format(", {} {}", count, status);
  }
  return text;
}

std::vector<std::string> make_cells(const ReportRow& row) {
  const Workload workload = parse_workload(row.winner.workload);
  return {
      short_problem(workload.problem),
      short_sizes(workload),
      short_overlap(workload),
      row.winner.config,
      fmt::format("{:.4g}", row.winner.time_us / 1e3),
      row.predicted ? fmt::format("{:.4g}", row.predicted->time_us / 1e3) : "-",
      fmt::format("{:.1f} %", spread_percent(row.trial)),
      describe_baseline(row),
      speed_up(row) > 0 ? fmt::format("{:.2f}x", speed_up(row)) : "-",
      row.parity ? fmt::format("{:.1e} / {:.1e}", row.parity->max_error, row.parity->max_allowed) : "-",
      describe_threshold(row),
      describe_trials(row),
      row.winner.created_utc.substr(0, 10),
  };
}

// One block per device, in row order; `print` gets the device and its rows' cells.
template <typename Print>
void for_each_device(const std::vector<ReportRow>& rows, Print&& print) {
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin;
    std::vector<std::vector<std::string>> cells;
    while (end < rows.size() && rows[end].winner.device == rows[begin].winner.device) cells.push_back(make_cells(rows[end++]));
    print(rows[begin], cells);
    begin = end;
  }
}

std::string footnotes(const std::vector<ReportRow>& rows) {
  std::string text;
  for (const auto& row : rows) {
    if (row.winner.baseline_us > 0 || !row.baseline) continue;
    text += fmt::format("baseline of {}, {}: {}: {}\n", row.winner.problem, row.winner.device, to_string(row.baseline->status),
                        row.baseline->reason);
  }
  return text;
}

std::string quote_csv(std::string_view text) {
  if (text.find_first_of(",\"\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + '"';
}

}  // namespace

std::string format_table(const std::vector<ReportRow>& rows) {
  std::string text;
  for_each_device(rows, [&](const ReportRow& first, const auto& cells) {
    text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", first.winner.device, format_text_table(kHeadings, cells));
  });
  return text + footnotes(rows);
}

std::string format_markdown(const std::vector<ReportRow>& rows) {
  std::string text;
  for_each_device(rows, [&](const ReportRow& first, const auto& cells) {
    text += fmt::format("{}### {}\n\n", text.empty() ? "" : "\n", first.winner.device);
    text += fmt::format("| {} |\n|{}\n", fmt::join(kHeadings, " | "),
                        fmt::format("{}", fmt::join(std::vector<std::string>(kHeadings.size(), "---"), "|")) + "|");
    for (const auto& row : cells) text += fmt::format("| {} |\n", fmt::join(row, " | "));
  });
  return text;
}

std::string format_csv(const std::vector<ReportRow>& rows) {
  std::string text =
      "device,problem,workload,winner,time_ms,low_ms,high_ms,samples,baseline_ms,speedup,max_error,max_allowed,mean_error,"
      "mean_allowed,threshold_name,threshold,margin,candidates,trials_ok,trials_rejected,sm_mhz,memory_mhz,date,predicted_ms,"
      "predicted_bound,overlap,selection,variant\n";
  for (const auto& row : rows) {
    const auto& trial = row.trial;
    const cache::ParityRecord parity = row.parity.value_or(cache::ParityRecord{});
    const auto measured = row.trials.find(std::string(to_string(cache::TrialStatus::Measured)));
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},", quote_csv(row.winner.device), quote_csv(row.winner.problem),
                        quote_csv(row.winner.workload), quote_csv(row.winner.config), row.winner.time_us / 1e3,
                        trial.low_us / 1e3, trial.high_us / 1e3, trial.samples, row.winner.baseline_us / 1e3, speed_up(row));
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", parity.max_error, parity.max_allowed, parity.mean_error,
                        parity.mean_allowed, row.threshold_name, row.threshold ? std::to_string(row.threshold->value) : "",
                        row.threshold ? std::to_string(row.threshold->margin) : "", row.winner.candidates,
                        measured == row.trials.end() ? 0 : measured->second, count_rejected(row), trial.sm_mhz, trial.memory_mhz,
                        row.winner.created_utc, row.predicted ? std::to_string(row.predicted->time_us / 1e3) : "",
                        row.predicted ? row.predicted->bound : "");
    const Workload workload = parse_workload(row.winner.workload);
    text += fmt::format(",{},{},{}\n", workload.overlap_percent,
                        workload.selection == 0 ? "" : selection_digits(workload.selection), variant_of(row));
  }
  return text;
}

std::string format_env(const std::vector<ReportRow>& rows) {
  std::string text =
      "# Smallest length from which the tuned kernel is used; -1 = never. One value serves all tuples below: the largest,\n"
      "# and -1 where any is -1 or not known, so that no tuple becomes slower than packed SDPA. Narrow with --problem.\n";
  std::map<std::string, std::int64_t> values;
  for (const auto& row : rows) {
    if (row.threshold_name.empty()) continue;
    const std::int64_t value = row.threshold ? row.threshold->value : -1;
    text += fmt::format("# {} for {} on {}\n",
                        row.threshold ? fmt::format("{}={}", row.threshold_name, value) : row.threshold_name + " is not known",
                        row.winner.workload, row.winner.device);
    const auto [entry, added] = values.emplace(row.threshold_name, value);
    if (!added) entry->second = value < 0 || entry->second < 0 ? -1 : std::max(entry->second, value);
  }
  for (const auto& [name, value] : values) text += fmt::format("{}={}\n", name, value);
  return text;
}

}  // namespace nsajit::cli
