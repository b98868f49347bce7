#pragma once
// Report rows: the cache's decisions joined with the trials, verdicts and thresholds behind them, one row per tuple,
// workload and device. Pure data; report_format prints it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache.h"
#include "nsajit/prediction.h"

namespace nsajit::cli {

struct ReportRow {
  cache::WinnerRecord winner;
  cache::TrialRecord trial;                    // the winner's
  std::optional<cache::TrialRecord> baseline;  // measured or failed
  std::optional<cache::ParityRecord> parity;   // the verdict that came closest to its limit
  std::optional<cache::ThresholdRecord> threshold;
  std::string threshold_name;
  std::map<std::string, int> trials;  // status -> how many, of this tuple, workload and device
  cache::RunRecord run;
  std::optional<Prediction> predicted;  // of the winner; nullopt: no model of it, or of its device
};

struct ReportFilter {
  std::string device;   // part of the device's identity: "H200", "cpu"; empty: all
  std::string problem;  // fields that must all be there: "bf16,dk=128"; empty: all
};

// The newest winner of each tuple, workload and device; sorted by device, tuple, sizes, then overlap.
std::vector<ReportRow> collect_rows(cache::Cache& cache, const ReportFilter& filter);

double spread_percent(const cache::TrialRecord& trial);  // half the interval, as a share of the median
double speed_up(const ReportRow& row);                   // 0: the baseline was not measured
int count_rejected(const ReportRow& row);
std::string variant_of(const ReportRow& row);  // of the winner: what its text begins with

}  // namespace nsajit::cli
