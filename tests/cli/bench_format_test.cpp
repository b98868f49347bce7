// Bench format: the users' CSV to the letter, and the figures that table and JSON derive.

#include "cli/bench_format.h"

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

namespace {

using namespace nsajit;

cli::BenchEntry make_entry(const std::string& config, const std::string& role, double median_us) {
  cli::BenchEntry entry{.config = parse_config(config), .roles = {role}, .source = "a test"};
  entry.status = cache::TrialStatus::Measured;
  entry.mae = 0.00025;
  entry.timing.summary = {.median = median_us, .low = 0.99 * median_us, .high = 1.01 * median_us, .samples = 3};
  entry.timing.samples_us = {0.99 * median_us, median_us, 1.01 * median_us};
  entry.timing.sm_mhz = 1980;
  return entry;
}

// 1000 us for ours, 3000 us for packed SDPA, one kernel that failed the gate.
cli::BenchRun make_run() {
  cli::BenchCase bench_case{.workload = parse_workload("dk=192,dv=128,l_sel=64,n_sel=16,group=16;B=2,S=4096,G=4"),
                            .work = {.flops = 2e9, .bytes = 3e9},
                            .length = 1024};
  bench_case.entries = {make_entry("query_major{stages=3}", "served", 1000), make_entry("kv_major{warps=4}", "kv_major", 500),
                        make_entry("packed_sdpa{stages=2}", "packed_sdpa", 3000)};
  bench_case.entries[1].status = cache::TrialStatus::Parity;
  bench_case.entries[1].reason = "o is off";
  bench_case.entries[2].baseline = true;
  return {.target = {.name = "a machine"}, .rounds = 3, .cases = {bench_case}};
}

}  // namespace

TEST_CASE("the csv has the users' header and a line per measured kernel of ours") {
  CHECK(cli::format_bench_csv(make_run()) ==
        "mode,N,H,D,Dv,L,nspans,streams,tri_ms,ref_ms,speedup,mae\n"
        "served,32768,16,192,128,1024,16,1,1.000000,3.000000,3.0000,2.500000e-04\n");
}

TEST_CASE("without a measured baseline there is no speed-up") {
  auto run = make_run();
  run.cases[0].entries[2].status = cache::TrialStatus::OutOfMemory;
  CHECK(cli::format_bench_csv(run).find(",1.000000,0.000000,0.0000,") != std::string::npos);
  CHECK(cli::format_bench_table(run.cases[0]).find("3.00x") == std::string::npos);
}

TEST_CASE("json has rates, spread, samples and clocks, and why a kernel was not timed") {
  const auto json = nlohmann::json::parse(cli::format_bench_json(make_run()));
  const auto& ours = json["cases"][0]["entries"][0];
  CHECK_THAT(ours["tflops"].get<double>(), Catch::Matchers::WithinRel(2.0, 1e-9));
  CHECK_THAT(ours["tbytes_per_s"].get<double>(), Catch::Matchers::WithinRel(3.0, 1e-9));
  CHECK_THAT(ours["speedup"].get<double>(), Catch::Matchers::WithinRel(3.0, 1e-9));
  CHECK_THAT(ours["spread_percent"].get<double>(), Catch::Matchers::WithinRel(1.0, 1e-9));
  CHECK(ours["samples_us"].size() == 3);
  CHECK(ours["sm_mhz"] == 1980);
  const auto& rejected = json["cases"][0]["entries"][1];
  CHECK(rejected["status"] == "parity");
  CHECK(rejected["reason"] == "o is off");
  CHECK_FALSE(rejected.contains("time_us"));
  CHECK(json["gpu"] == "a machine");
}

TEST_CASE("the table shows what was rejected and why") {
  const auto table = cli::format_bench_table(make_run().cases[0]);
  INFO(table);
  CHECK(table.find("3.00x") != std::string::npos);
  CHECK(table.find("1.0%") != std::string::npos);
  CHECK(table.find("kv_major{warps=4}: parity: o is off") != std::string::npos);
}
