// Bench format: three views of the same figures. Speed-ups are over packed SDPA of the same interleaved run.

#include "cli/bench_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/text_table.h"
#include "cli/tuple_text.h"

namespace nsajit::cli {
namespace {

bool measured(const BenchEntry& entry) { return entry.status == cache::TrialStatus::Measured; }

// Half of the median's 95 % interval, as a share of the median.
double spread_percent(const tuner::Summary& summary) {
  return summary.median > 0 ? 50 * (summary.high - summary.low) / summary.median : 0;
}

double speed_up(const BenchEntry& entry, const BenchEntry* baseline) {
  if (baseline == nullptr || entry.timing.summary.median <= 0) return 0;
  return baseline->timing.summary.median / entry.timing.summary.median;
}

// Per second, from an amount and microseconds: 1e12 a second = 1e6 a microsecond.
double tera_per_second(double amount, double time_us) { return time_us > 0 ? amount / time_us / 1e6 : 0; }

std::vector<std::string> table_row(const BenchEntry& entry, const BenchCase& bench_case) {
  const std::string roles = fmt::format("{}", fmt::join(entry.roles, ", "));
  if (!measured(entry)) {
    return {roles, to_string(entry.config), std::string(to_string(entry.status)), "-", "-", "-", "-", "-"};
  }
  const auto& summary = entry.timing.summary;
  const double speed = speed_up(entry, find_baseline(bench_case));
  return {roles,
          to_string(entry.config),
          fmt::format("{:.4f}", summary.median / 1e3),
          fmt::format("{:.1f}%", spread_percent(summary)),
          fmt::format("{:.2f}", tera_per_second(bench_case.work.flops, summary.median)),
          fmt::format("{:.3f}", tera_per_second(bench_case.work.bytes, summary.median)),
          speed > 0 ? fmt::format("{:.2f}x", speed) : "-",
          fmt::format("{:.1e}", entry.mae)};
}

std::vector<std::string> prediction_row(const BenchEntry& entry) {
  const std::string config = to_string(entry.config);
  const double median_us = measured(entry) ? entry.timing.summary.median : 0;
  const std::string time = median_us > 0 ? fmt::format("{:.4f}", median_us / 1e3) : "-";
  if (!entry.predicted) return {config, time, "-", "-", "-"};
  return {config, time, fmt::format("{:.4f}", entry.predicted->time_us / 1e3),
          median_us > 0 ? fmt::format("{:.2f}", entry.predicted->time_us / median_us) : "-", entry.predicted->bound};
}

nlohmann::json describe(const BenchEntry& entry, const BenchCase& bench_case) {
  nlohmann::json text{
      {"config", to_string(entry.config)}, {"roles", entry.roles},  {"source", entry.source}, {"baseline", entry.baseline},
      {"status", to_string(entry.status)}, {"reason", entry.reason}};
  if (entry.predicted) text["predicted_us"] = entry.predicted->time_us, text["bound"] = entry.predicted->bound;
  if (!measured(entry)) return text;
  const auto& summary = entry.timing.summary;
  text["time_us"] = summary.median;
  text["low_us"] = summary.low;
  text["high_us"] = summary.high;
  text["spread_percent"] = spread_percent(summary);
  text["samples_us"] = entry.timing.samples_us;
  text["tflops"] = tera_per_second(bench_case.work.flops, summary.median);
  text["tbytes_per_s"] = tera_per_second(bench_case.work.bytes, summary.median);
  text["speedup"] = speed_up(entry, find_baseline(bench_case));
  text["mae"] = entry.mae;
  text["sm_mhz"] = entry.timing.sm_mhz;
  text["memory_mhz"] = entry.timing.memory_mhz;
  return text;
}

nlohmann::json describe(const BenchCase& bench_case) {
  auto entries = nlohmann::json::array();
  for (const auto& entry : bench_case.entries) entries.push_back(describe(entry, bench_case));
  const Workload& w = bench_case.workload;
  return {{"workload", to_string(w)},
          {"overlap", w.overlap_percent},
          {"selection", w.selection == 0 ? nlohmann::json(nullptr) : nlohmann::json(selection_digits(w.selection))},
          {"length", bench_case.length},
          {"flops", bench_case.work.flops},
          {"bytes", bench_case.work.bytes},
          {"entries", std::move(entries)}};
}

}  // namespace

const BenchEntry* find_baseline(const BenchCase& bench_case) {
  for (const auto& entry : bench_case.entries) {
    if (entry.baseline && measured(entry)) return &entry;
  }
  return nullptr;
}

std::string format_bench_table(const BenchCase& bench_case) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : bench_case.entries) rows.push_back(table_row(entry, bench_case));
  std::string text =
      fmt::format("{}, {}\n{}", short_problem(bench_case.workload.problem), short_workload(bench_case.workload),
                  format_text_table({"kernel", "config", "ms", "spread", "TFLOP/s", "TB/s", "speed-up", "MAE"}, rows));
  for (const auto& entry : bench_case.entries) {
    if (!measured(entry)) text += fmt::format("{}: {}: {}\n", to_string(entry.config), to_string(entry.status), entry.reason);
  }
  return text;
}

std::string format_bench_predictions(const BenchCase& bench_case) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : bench_case.entries) rows.push_back(prediction_row(entry));
  return format_text_table({"config", "ms", "predicted ms", "ratio", "bound"}, rows);
}

std::string format_bench_csv(const BenchRun& run) {
  std::string text = fmt::format("{}\n", kBenchCsvHeader);
  for (const auto& bench_case : run.cases) {
    const Workload& w = bench_case.workload;
    const BenchEntry* const baseline = find_baseline(bench_case);
    const double reference_ms = baseline != nullptr ? baseline->timing.summary.median / 1e3 : 0;
    for (const auto& entry : bench_case.entries) {
      if (entry.baseline || entry.roles.front() == kTwinRole || !measured(entry)) continue;
      text += fmt::format("{},{},{},{},{},{},{},1,{:.6f},{:.6f},{:.4f},{:.6e}\n", entry.roles.front(), w.B * w.S * w.G,
                          w.problem.group, w.problem.dk, w.problem.dv, bench_case.length, w.n, entry.timing.summary.median / 1e3,
                          reference_ms, speed_up(entry, baseline), entry.mae);
    }
  }
  return text;
}

std::string format_bench_json(const BenchRun& run) {
  auto cases = nlohmann::json::array();
  for (const auto& bench_case : run.cases) cases.push_back(describe(bench_case));
  const nlohmann::json text{
      {"device", to_string(run.target)},
      {"gpu", run.target.name},
      {"arch", arch_name(run.target)},
      {"driver_version", run.target.driver_version},
      {"compiler", {{"name", run.compiler.name}, {"version", run.compiler.version}, {"options", run.compiler.options}}},
      {"nsajit_version", run.nsajit_version},
      {"command", run.command},
      {"created_utc", run.created_utc},
      {"rounds", run.rounds},
      {"cases", std::move(cases)},
  };
  return text.dump(2) + "\n";
}

}  // namespace nsajit::cli
