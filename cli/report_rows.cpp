// Report rows: reads every table once, then joins in memory.

#include "cli/report_rows.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "cli/device_text.h"
#include "core/fields.h"
#include "nsajit/error.h"
#include "nsajit/op.h"

namespace nsajit::cli {
namespace {

using RowKey = std::tuple<std::string, std::string>;  // workload (holds the problem), device

bool contains_field(std::string_view problem, std::string_view wanted) {
  const auto fields = split_fields(problem, "problem");
  const std::string_view name = wanted.starts_with("h=") ? wanted.substr(2) : std::string_view();
  return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
    return field.text == wanted || (!name.empty() && field.name == "group" && field.value == name);
  });
}

bool matches(const cache::WinnerRecord& winner, const ReportFilter& filter) {
  if (winner.device.find(filter.device) == std::string::npos) return false;
  if (filter.problem.empty()) return true;
  const auto wanted = split_fields(filter.problem, "filter");
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const Field& field) { return contains_field(winner.problem, field.text); });
}

std::optional<cache::ParityRecord> find_closest(const std::vector<cache::ParityRecord>& records) {
  const auto share = [](const cache::ParityRecord& record) {
    return record.max_allowed > 0 ? record.max_error / record.max_allowed : 0;
  };
  const auto closest =
      std::max_element(records.begin(), records.end(), [&](const auto& a, const auto& b) { return share(a) < share(b); });
  return closest == records.end() ? std::nullopt : std::optional(*closest);
}

// The name is the operation's; one without a threshold, and a record of an operation that this build lacks, have none.
std::string threshold_name(const cache::WinnerRecord& winner) {
  for (const Op* op : all_ops()) {
    if (op->name() == winner.op) return std::string(op->threshold_name(parse_problem(winner.problem)));
  }
  return {};
}

// A report never fails for its model: what this build cannot predict has no prediction.
std::optional<Prediction> find_prediction(const cache::WinnerRecord& winner) {
  const auto target = find_device_target(winner.device);
  if (!target) return std::nullopt;
  try {
    const Workload workload = parse_workload(winner.workload);
    for (const Op* op : all_ops()) {
      if (op->name() != winner.op) continue;
      const auto predicted = op->predict(workload, parse_config(winner.config), *target);
      return predicted && predicted->time_us > 0 ? predicted : std::nullopt;
    }
  } catch (const Error&) { return std::nullopt; }  // a config or a tuple of another version
  return std::nullopt;
}

// What became of a workload's candidates on a device, and its newest baseline: a winner that was not compared names none.
struct Outcomes {
  std::map<std::string, int> counts;
  std::optional<cache::TrialRecord> baseline;
};

std::map<RowKey, Outcomes> collect_outcomes(cache::Cache& cache) {
  std::map<RowKey, Outcomes> outcomes;
  for (auto& trial : cache.trials()) {
    auto& outcome = outcomes[{trial.workload, trial.device}];
    ++outcome.counts[std::string(to_string(trial.status))];
    if (trial.baseline && (!outcome.baseline || outcome.baseline->id < trial.id)) outcome.baseline = std::move(trial);
  }
  return outcomes;
}

ReportRow make_row(cache::Cache& cache, cache::WinnerRecord winner, cache::TrialRecord trial) {
  ReportRow row{.winner = std::move(winner), .trial = std::move(trial)};
  row.baseline = cache.find_trial(row.winner.baseline_trial);
  row.parity = find_closest(cache.find_parity(row.winner.trial));
  row.predicted = find_prediction(row.winner);
  row.threshold_name = threshold_name(row.winner);
  if (!row.threshold_name.empty()) row.threshold = cache.find_threshold(row.threshold_name, row.winner);
  return row;
}

// By numbers, not by their texts: the overlaps of one tuple and size come one below the other, ascending.
void sort_rows(std::vector<ReportRow>& rows) {
  std::map<std::string, Workload> workloads;
  for (const auto& row : rows) workloads.try_emplace(row.winner.workload, parse_workload(row.winner.workload));
  std::stable_sort(rows.begin(), rows.end(), [&](const ReportRow& a, const ReportRow& b) {
    return std::tie(a.winner.device, workloads.at(a.winner.workload)) <
           std::tie(b.winner.device, workloads.at(b.winner.workload));
  });
}

}  // namespace

std::vector<ReportRow> collect_rows(cache::Cache& cache, const ReportFilter& filter) {
  auto winners = cache.winners();
  std::stable_sort(winners.begin(), winners.end(), [](const auto& a, const auto& b) { return a.trial > b.trial; });
  std::stable_sort(winners.begin(), winners.end(), [](const auto& a, const auto& b) { return a.run > b.run; });
  const auto outcomes = collect_outcomes(cache);
  std::unordered_map<std::int64_t, cache::RunRecord> runs;
  for (auto& run : cache.runs()) runs.emplace(run.id, run);

  std::vector<ReportRow> rows;
  std::set<RowKey> seen;
  for (auto& winner : winners) {
    if (!matches(winner, filter)) continue;
    auto trial = cache.find_trial(winner.trial);
    const RowKey key{winner.workload, winner.device};
    if (!trial || !seen.insert(key).second) continue;
    auto row = make_row(cache, std::move(winner), std::move(*trial));
    if (const auto outcome = outcomes.find(key); outcome != outcomes.end()) {
      row.trials = outcome->second.counts;
      if (!row.baseline) row.baseline = outcome->second.baseline;
    }
    if (const auto run = runs.find(row.winner.run); run != runs.end()) row.run = run->second;
    rows.push_back(std::move(row));
  }
  sort_rows(rows);
  return rows;
}

double spread_percent(const cache::TrialRecord& trial) {
  return trial.time_us > 0 ? 50 * (trial.high_us - trial.low_us) / trial.time_us : 0;
}

double speed_up(const ReportRow& row) {
  return row.winner.baseline_us > 0 && row.winner.time_us > 0 ? row.winner.baseline_us / row.winner.time_us : 0;
}

std::string variant_of(const ReportRow& row) { return row.winner.config.substr(0, row.winner.config.find('{')); }

int count_rejected(const ReportRow& row) {
  int rejected = 0;
  for (const auto& [status, count] : row.trials) {
    if (status != to_string(cache::TrialStatus::Measured)) rejected += count;
  }
  return rejected;
}

}  // namespace nsajit::cli
