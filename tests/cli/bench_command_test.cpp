// bench selection end to end on a tiny shape of the CPU backend, through a worker process.

#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "cli/sweep_file.h"
#include "tests/cli/program.h"

namespace {

using namespace nsajit;
using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

const std::string kShape = "'S=48,S_kv=256,Hq/Hkv=4/2,dk/dv=32/32,32x4,dtype=fp32'";
const std::string kBench = "bench selection --device cpu --rounds 3 ";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void check_refused(const TemporaryFolder& folder, const std::string& arguments, int exit_code, const std::string& part) {
  const auto result = run_program(folder, arguments);
  INFO(arguments << "\n" << result.err << result.out);
  CHECK(result.exit_code == exit_code);
  CHECK(has(result.err + result.out, part));
}

}  // namespace

TEST_CASE("bench selection times what is there against packed SDPA and writes json and csv") {
  const TemporaryFolder folder;
  const auto result = run_program(
      folder, kBench + "--aa --json " + folder.file("b.json") + " --csv " + folder.file("b.csv") + " --shapes " + kShape);
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(has(result.out, "packed_sdpa"));
  CHECK(has(result.out, "A/A: "));
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));

  const auto json = nlohmann::json::parse(read_file(folder.file("b.json")));
  const auto& entries = json["cases"][0]["entries"];
  REQUIRE(entries.size() >= 3);
  CHECK(entries[0]["roles"][0] == "default");
  for (const auto& entry : entries) {
    CHECK(entry["status"] == "measured");
    CHECK(entry["samples_us"].size() >= 3);
    CHECK(entry["mae"].get<double>() > 0);
    CHECK(entry["mae"].get<double>() < 1e-5);
  }
  const auto csv = read_file(folder.file("b.csv"));
  CHECK(csv.starts_with("mode,N,H,D,Dv,L,nspans,streams,tri_ms,ref_ms,speedup,mae\ndefault,96,2,32,32,128,4,1,"));
}

TEST_CASE("what a tuned cache serves is benched, with the gate's stored verdict") {
  const TemporaryFolder folder;
  const std::string tuple = " --dtype fp32 --dk 32 --dv 32 --group 2 --S 48 --S-kv 256 --l-sel 32 --n-sel 4 --G 2 ";
  REQUIRE(run_program(folder, "tune --device cpu --max-trials 3" + tuple).exit_code == 0);
  const auto result = run_program(folder, kBench + "--configs cached --json " + folder.file("b.json") + tuple);
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  const auto json = nlohmann::json::parse(read_file(folder.file("b.json")));
  CHECK(json["cases"][0]["entries"][0]["roles"][0] == "served");
  CHECK(json["cases"][0]["entries"][0]["mae"].get<double>() > 0);
}

TEST_CASE("--overlap is of every shape, and each shape is benched at each of a list") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, kBench + "--overlap 50,0 --configs default --json " + folder.file("b.json") + " --shapes " + kShape);
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "overlap50"));
  const auto cases = nlohmann::json::parse(read_file(folder.file("b.json")))["cases"];
  REQUIRE(cases.size() == 2);
  CHECK(cases[0]["overlap"] == 50);
  CHECK(cases[1]["overlap"] == 0);
  CHECK(cases[1]["selection"].is_null());
}

TEST_CASE("bench refuses what it cannot read or write before it measures") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& arguments, int exit_code, const std::string& part) {
    check_refused(folder, arguments, exit_code, part);
  };
  refused("bench", 2, "subcommand");
  refused(kBench, 2, "--shapes");
  refused(kBench + "--shapes S=8192,Hq/Hkv=6/4", 2, "Hq=6");
  refused(kBench + "--shapes S=8192 --dk 64", 2, "exclude");
  refused(kBench + "--shapes " + kShape + " --configs 'query_major{nonsense=3}'", 2, "nonsense");
  refused(kBench + "--shapes " + kShape + " --json /nonexistent/b.json", 4, "/nonexistent/b.json");
}

TEST_CASE("the shapes of the table of goals are ten and can be read") {
  CHECK(cli::load_sweep(testing::sweeps_folder() + "/../bench/shapes/table1.toml").workloads.size() == 10);
}

TEST_CASE("bench lookup times lookups with and without a writer, and writes json") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder,
                  "bench lookup --device cpu --dtype fp32 --dk 32 --dv 32 --group 2 --S 1 --S-kv 2048 --readers 1,3 "
                  "--lookups 2000 --json " +
                      folder.file("l.json"));
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(has(result.out, "3 readers and a writer: p50 "));
  CHECK(has(result.out, "launch: measured on CUDA devices only"));
  const auto json = nlohmann::json::parse(read_file(folder.file("l.json")));
  REQUIRE(json["lookups"].size() == 4);
  CHECK(json["lookups"][3]["readers"] == 3);
  CHECK(json["lookups"][3]["bind_p50_us"].get<double>() > 0);
}

TEST_CASE("bench start compiles once and then nothing") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "bench start --device cpu --starts 2 --cache " + folder.file("c.db") +
                                              " --dtype fp32 --dk 32 --dv 32 --group 2 --n-sel 2 --S 256 --overlap 0,50");
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(has(result.out, "first start, what is not in the cache is compiled: 2 kernels in "));
  CHECK(has(result.out, "2 frozen starts, 0 compilations: 2 kernels ready in "));
}

TEST_CASE("bench forward times the parts, the whole and dense attention at each length, and says where it wins") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, "bench forward --device cpu --rounds 3 --lengths 64,200 --json " + folder.file("f.json") +
                              " --shapes 'S=256,Hq/Hkv=4/2,dk/dv=32/32,32x4,w=40,dtype=fp32'");
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(has(result.out, "B=1 S=200 4/2 32/32 32x4 "));
  CHECK(has(result.out, "B=1 4/2 32/32 32x4: "));
  const auto rows = nlohmann::json::parse(read_file(folder.file("f.json")))["rows"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[1]["workspace_bytes"].get<int>() >= 2 * 200 * 4 * 32 * 4);
  REQUIRE(rows[1]["contenders"].size() == 7);
  for (const auto& contender : rows[1]["contenders"]) CHECK(contender["time_us"].get<double>() > 0);
  CHECK(rows[1]["contenders"][6]["name"] == "dense");
}

TEST_CASE("bench decode takes the users' flags, and its CSV is summarized") {
  const TemporaryFolder folder;
  const std::string csv = folder.file("d.csv");
  const auto result =
      run_program(folder,
                  "bench decode --device cpu --B 1 --dim 256 --heads 4 --groups 2 --dk 32 --dv 32 --l 32 --d 16 --l_sel 64 "
                  "--n_sel 16 --w 512 --S_list 8,300 --iters 4 --warmup 1 --branch_force_mode env --dtype fp32 --csv " +
                      csv + " --json " + folder.file("d.json"));
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  const std::string text = read_file(csv);
  CHECK(text.starts_with("S,ms_total,ms_cmp,ms_sel,ms_win,reads_actual,reads_expected"));
  // 17 compressed tokens, all 300 selected and all in the window; 16 blocks and a full window were expected.
  CHECK(has(text, ",617,1341,617,1341\n"));
  const auto json = nlohmann::json::parse(read_file(folder.file("d.json")));
  std::string names;
  for (const auto& contender : json["rows"][1]["contenders"]) names += contender["name"].get<std::string>() + " ";
  CHECK(names == "forward cmp sel win fused dense ");
  CHECK(has(result.out, " by "));
  const auto summary = run_program(folder, "bench decode --summarize " + csv);
  CHECK(summary.exit_code == 0);
  CHECK(summary.out.starts_with("     S     total    cmp%    sel%    win%      reads(dec)      reads(tot)\n     8 "));
}

TEST_CASE("bench forward and decode refuse what cannot be before they measure") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& arguments, int exit_code, const std::string& part) {
    check_refused(folder, arguments, exit_code, part);
  };
  refused("bench forward --device cpu", 2, "--shapes names no shape");
  refused("bench forward --device cpu --layout varlen --dtype fp32 --S 64 --n-sel 1", 2, "sequences of one length");
  refused("bench decode --device cpu --heads 5 --groups 2", 2, "5 heads in 2 groups");
  refused("bench decode --device cpu --l 30", 2, "l=30");
  refused("bench decode --branch_force_mode maybe", 2, "maybe");
  refused("bench decode --summarize /nonexistent.csv", 4, "/nonexistent.csv");
  refused("bench decode --device cpu --csv /nonexistent/d.csv", 4, "/nonexistent/d.csv");
  refused("--frozen bench forward --device cpu --dtype fp32 --S 64 --n-sel 1", 3, "never measures");
}
