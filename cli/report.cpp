// report: prints what the cache has decided, and on what evidence.

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/report_format.h"
#include "cli/session.h"

namespace nsajit::cli {
namespace {

struct ReportSettings {
  std::string format = "table";
  std::string cache;
  ReportFilter filter;
};

std::string format_rows(const std::vector<ReportRow>& rows, const std::string& format) {
  if (format == "json") return format_json(rows);
  if (format == "csv") return format_csv(rows);
  if (format == "md") return format_markdown(rows);
  if (format == "env") return format_env(rows);
  return format_table(rows);
}

ExitCode run_report(const ReportSettings& settings) {
  auto cache = cache::Cache::open(settings.cache, cache::OpenMode::ReadOnly);
  const auto rows = collect_rows(cache, settings.filter);
  if (!rows.empty()) {
    fmt::print("{}", format_rows(rows, settings.format));
    return ExitCode::Done;
  }
  if (settings.format == "json") fmt::print("[]\n");
  const bool filtered = !settings.filter.device.empty() || !settings.filter.problem.empty();
  fmt::print(stderr, "nsajit: no winner in {}{}; `nsajit tune --sweep sweeps/quick.toml` makes some\n", settings.cache,
             filtered ? " matches the filters" : "");
  return ExitCode::NothingFound;
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("report", "Prints winners, times, parity figures and thresholds");
  command->footer(
      "Examples:\n  nsajit report\n  nsajit report --format json --device H200 --problem bf16,dk=128\n"
      "  nsajit report --format env > thresholds.env");
  const auto settings = std::make_shared<ReportSettings>();
  command->add_option("--format", settings->format, "table, json, csv, md or env (thresholds as NAME=value)")
      ->check(CLI::IsMember({"table", "json", "csv", "md", "env"}))
      ->capture_default_str();
  command->add_option("--device", settings->filter.device, "Only devices whose identity contains this: H200, cpu");
  command->add_option("--problem", settings->filter.problem, "Only tuples with these fields: bf16,dk=128,group=4");
  add_cache_option(*command, settings->cache, session);
  command->callback([&session, settings] { session.result = run_report(*settings); });
}

}  // namespace nsajit::cli
