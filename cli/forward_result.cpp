// Forward result: see the header.

#include "cli/forward_result.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace nsajit::cli {
namespace {

constexpr int kShapeWidth = 34, kTimeWidth = 9;

double median_us(const ForwardRow& row, std::string_view name) {
  const ForwardContender* contender = find_contender(row, name);
  return contender != nullptr ? contender->timing.summary.median : 0;
}

double spread_percent(const tuner::Summary& summary) {
  return summary.median > 0 ? 50 * (summary.high - summary.low) / summary.median : 0;
}

std::string shape_of(const Workload& w) {
  const Problem& p = w.problem;
  const std::string queries = w.S == w.S_kv ? fmt::format("S={}", w.S) : fmt::format("S={} of {}", w.S, w.S_kv);
  return fmt::format("B={} {} {}/{} {}/{} {}x{}", w.B, queries, w.G * p.group, w.G, p.dk, p.dv, p.l_sel, p.n_sel);
}

// A row's tuple and sizes without its length.
Workload without_length(Workload workload) {
  workload.S = workload.S_kv = 0;
  return workload;
}

nlohmann::json describe(const ForwardContender& contender) {
  const tuner::Timing& timing = contender.timing;
  return {{"name", contender.name},           {"kernel", contender.kernel},
          {"time_us", timing.summary.median}, {"low_us", timing.summary.low},
          {"high_us", timing.summary.high},   {"spread_percent", spread_percent(timing.summary)},
          {"samples_us", timing.samples_us},  {"sm_mhz", timing.sm_mhz},
          {"memory_mhz", timing.memory_mhz},  {"disturbance", timing.disturbance}};
}

nlohmann::json describe(const ForwardRow& row) {
  auto contenders = nlohmann::json::array();
  for (const auto& contender : row.contenders) contenders.push_back(describe(contender));
  return {{"shape", shape_of(row.workload)},        {"workload", to_string(row.workload)},
          {"workspace_bytes", row.workspace_bytes}, {"beside_workspace_bytes", row.beside_bytes},
          {"tensor_bytes", row.tensor_bytes},       {"dense_over_forward", dense_ratio(row)},
          {"contenders", std::move(contenders)}};
}

}  // namespace

const ForwardContender* find_contender(const ForwardRow& row, std::string_view name) {
  const auto found = std::find_if(row.contenders.begin(), row.contenders.end(),
                                  [&](const ForwardContender& contender) { return contender.name == name; });
  return found != row.contenders.end() ? &*found : nullptr;
}

const ForwardContender* find_fastest_pass(const ForwardRow& row) {
  const ForwardContender* fastest = nullptr;
  for (const char* name : {"forward", "beside", "fused"}) {
    const ForwardContender* const pass = find_contender(row, name);
    if (pass != nullptr && (fastest == nullptr || pass->timing.summary.median < fastest->timing.summary.median)) fastest = pass;
  }
  return fastest;
}

double forward_us(const ForwardRow& row) {
  const ForwardContender* const fastest = find_fastest_pass(row);
  return fastest != nullptr ? fastest->timing.summary.median : 0;
}

double dense_ratio(const ForwardRow& row) {
  const double own = forward_us(row);
  return own > 0 ? median_us(row, "dense") / own : 0;
}

double worst_spread(const ForwardRow& row) {
  double worst = 0;
  for (const auto& contender : row.contenders) worst = std::max(worst, spread_percent(contender.timing.summary));
  return worst;
}

std::optional<std::int64_t> find_winning_length(const std::vector<ForwardRow>& rows) {
  std::vector<const ForwardRow*> longest_first;
  for (const auto& row : rows) longest_first.push_back(&row);
  std::sort(longest_first.begin(), longest_first.end(),
            [](const ForwardRow* a, const ForwardRow* b) { return a->workload.S_kv > b->workload.S_kv; });
  std::optional<std::int64_t> length;
  for (const ForwardRow* row : longest_first) {
    if (dense_ratio(*row) <= 1) break;
    length = row->workload.S_kv;
  }
  return length;
}

std::string format_winning_lengths(const std::vector<ForwardRow>& rows) {
  std::string text;
  std::vector<Workload> told;
  for (const auto& row : rows) {
    const Workload tuple = without_length(row.workload);
    if (std::find(told.begin(), told.end(), tuple) != told.end()) continue;
    told.push_back(tuple);
    std::vector<ForwardRow> own;
    for (const auto& other : rows)
      if (without_length(other.workload) == tuple) own.push_back(other);
    const auto length = find_winning_length(own);
    text += fmt::format("B={} {}/{} {}/{} {}x{}: {}\n", tuple.B, tuple.G * tuple.problem.group, tuple.G, tuple.problem.dk,
                        tuple.problem.dv, tuple.problem.l_sel, tuple.problem.n_sel,
                        length ? fmt::format("faster than dense attention from S = {} on", *length)
                               : std::string("dense attention is faster at every length that was measured"));
  }
  return text;
}

std::string format_forward_heading() {
  std::string text = fmt::format("{:{}}", "shape; ms", kShapeWidth);
  for (const char* column : kForwardColumns) text += fmt::format("{:>{}}", column, kTimeWidth);
  return text + "   ratio  spread  workspace\n";
}

std::string format_forward_row(const ForwardRow& row) {
  std::string text = fmt::format("{:{}}", shape_of(row.workload), kShapeWidth);
  for (const char* column : kForwardColumns) {
    const double time = median_us(row, column);
    text += time > 0 ? fmt::format("{:>{}.4f}", time / 1e3, kTimeWidth) : fmt::format("{:>{}}", "-", kTimeWidth);
  }
  return text + fmt::format("  {:5.2f}x  {:4.1f} %  {:.1f} MiB\n", dense_ratio(row), worst_spread(row),
                            static_cast<double>(row.workspace_bytes) / (1 << 20));
}

std::string format_forward_json(const ForwardRun& run) {
  auto rows = nlohmann::json::array();
  for (const auto& row : run.rows) rows.push_back(describe(row));
  const nlohmann::json text{{"device", to_string(run.target)},
                            {"gpu", run.target.name},
                            {"arch", arch_name(run.target)},
                            {"driver_version", run.target.driver_version},
                            {"compiler", {{"name", run.compiler.name}, {"version", run.compiler.version}}},
                            {"nsajit_version", run.nsajit_version},
                            {"command", run.command},
                            {"created_utc", run.created_utc},
                            {"rounds", run.rounds},
                            {"rows", std::move(rows)}};
  return text.dump(2) + "\n";
}

}  // namespace nsajit::cli
