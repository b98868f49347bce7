// Report format: what each form says of rows that are made by hand.

#include "cli/report_format.h"

#include <sstream>
#include <tuple>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "nsajit/workload.h"

namespace {

using namespace nsajit;

cli::ReportRow make_row(int dk, std::optional<std::int64_t> threshold) {
  const Workload workload{.problem = {.dk = dk}};
  cli::ReportRow row;
  row.winner = {.op = "selection",
                .problem = to_string(workload.problem),
                .workload = to_string(workload),
                .device = "cpu;name=Test",
                .config = "query_major{lanes=8}",
                .trial = 1,
                .time_us = 500,
                .baseline_us = 1000,
                .candidates = 3,
                .created_utc = "2026-01-31T12:00:00Z"};
  row.trial = {.config = row.winner.config, .time_us = 500, .low_us = 495, .high_us = 505, .samples = 25, .sm_mhz = 1980};
  row.baseline = cache::TrialRecord{.config = "packed_sdpa{}", .baseline = true, .time_us = 1000};
  row.parity =
      cache::ParityRecord{.parity_case = "random", .tensor = "o", .max_error = 1e-6, .max_allowed = 4e-6, .passed = true};
  row.threshold_name = "NSA_SEL_TRITON_MIN_L";
  if (threshold) row.threshold = cache::ThresholdRecord{.name = row.threshold_name, .value = *threshold, .ladder_json = "[]"};
  row.trials = {{"measured", 3}, {"parity", 1}};
  return row;
}

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("env prints the largest threshold of all tuples") {
  CHECK(last_line(cli::format_env({make_row(64, 128), make_row(128, 512), make_row(32, 256)})) == "NSA_SEL_TRITON_MIN_L=512");
}

TEST_CASE("env prints -1 where any tuple never wins or is not known, whatever the order") {
  CHECK(last_line(cli::format_env({make_row(64, -1), make_row(128, 512)})) == "NSA_SEL_TRITON_MIN_L=-1");
  CHECK(last_line(cli::format_env({make_row(64, 128), make_row(128, -1), make_row(32, 64)})) == "NSA_SEL_TRITON_MIN_L=-1");
  CHECK(last_line(cli::format_env({make_row(64, 128), make_row(128, std::nullopt)})) == "NSA_SEL_TRITON_MIN_L=-1");
}

TEST_CASE("env has only comments and assignments") {
  std::istringstream lines(cli::format_env({make_row(64, 128), make_row(128, 512)}));
  int assignments = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool comment = line.starts_with("# ");
    CHECK((comment || line.starts_with("NSA_")));
    assignments += comment ? 0 : 1;
  }
  CHECK(assignments == 1);
}

TEST_CASE("the table shows time, speed-up, parity, threshold and rejections") {
  const auto text = cli::format_table({make_row(64, 128)});
  for (const std::string part : {"cpu;name=Test", "query_major{lanes=8}", "0.5", "2.00x", "1.0e-06 / 4.0e-06", "128",
                                 "3 ok, 1 parity", "1.0 %", "2026-01-31"}) {
    INFO(part);
    CHECK(has(text, part));
  }
}

TEST_CASE("a failed baseline is shown with its reason") {
  auto row = make_row(64, std::nullopt);
  row.winner.baseline_us = 0;
  row.baseline->status = cache::TrialStatus::OutOfMemory;
  row.baseline->reason = "allocate 96 GiB: out of memory";
  const auto text = cli::format_table({row});
  CHECK(has(text, "not known"));
  CHECK(has(text, "allocate 96 GiB: out of memory"));
}

TEST_CASE("every csv line has as many cells as the header") {
  std::istringstream lines(cli::format_csv({make_row(64, 128), make_row(128, std::nullopt)}));
  const auto count_cells = [](const std::string& line) {
    bool quoted = false;
    int cells = 1;
    for (const char letter : line) {
      if (letter == '"') quoted = !quoted;
      if (letter == ',' && !quoted) ++cells;
    }
    return cells;
  };
  std::string line;
  std::getline(lines, line);
  const int header = count_cells(line);
  int rows = 0;
  for (; std::getline(lines, line); ++rows) CHECK(count_cells(line) == header);
  CHECK(rows == 2);
}

TEST_CASE("every form shows which variant won at which overlap, a recorded selection's too") {
  std::vector<cli::ReportRow> rows;
  for (const auto& [overlap, selection, config] : {std::tuple<int, std::uint64_t, const char*>{0, 0, "query_major{lanes=8}"},
                                                   {50, 0, "query_union{rows=4}"},
                                                   {37, 0x9f00000000000001, "kv_major{rows=64}"}}) {
    rows.push_back(make_row(64, 128));
    const Workload workload{.problem = {.dk = 64}, .overlap_percent = overlap, .selection = selection};
    rows.back().winner.workload = to_string(workload);
    rows.back().winner.config = config;
  }
  const auto table = cli::format_table(rows), markdown = cli::format_markdown(rows), csv = cli::format_csv(rows);
  for (const std::string part : {"overlap ", "  0 %  ", "  50 %  ", "  37 % recorded 9f000000  "}) CHECK(has(table, part));
  CHECK(has(markdown, "| 50 % | query_union{rows=4} |"));
  CHECK(has(csv, ",50,,query_union\n"));
  CHECK(has(csv, ",37,9f00000000000001,kv_major\n"));
  const auto json = nlohmann::json::parse(cli::format_json(rows));
  CHECK(json[1]["overlap"] == 50);
  CHECK(json[1]["selection"].is_null());
  CHECK(json[1]["variant"] == "query_union");
  CHECK(json[2]["selection"] == "9f00000000000001");
}

TEST_CASE("json carries clocks, verdict, threshold and run") {
  const auto json = nlohmann::json::parse(cli::format_json({make_row(64, 128), make_row(128, std::nullopt)}));
  REQUIRE(json.size() == 2);
  CHECK(json[0]["winner"]["sm_mhz"] == 1980);
  CHECK(json[0]["parity"]["max_allowed"] == 4e-6);
  CHECK(json[0]["threshold"]["value"] == 128);
  CHECK(json[1]["threshold"].is_null());
  CHECK(json[0]["trials"]["parity"] == 1);
  CHECK(json[0].contains("run"));
}
