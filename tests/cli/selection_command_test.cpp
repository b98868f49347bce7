// A recorded selection through the program: tuned, benched, gated, looked up and reported; and what is refused of it.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/npy_file.h"

namespace {

using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;
using nsajit::testing::write_npy;

constexpr int kRows = 48, kGroups = 2, kEntries = 4, kKeys = 256, kBlock = 32;
const std::string kTuple = " --device cpu --dtype fp32 --dk 32 --dv 32 --group 2 --S-kv 256 --l-sel 32 ";

// Of a model that keeps block 0, the two local blocks and, for 16 rows at a time, another one; unused entries last.
std::vector<std::int32_t> make_blocks() {
  std::vector<std::int32_t> blocks;
  for (int row = 0; row < kRows * kGroups; ++row) {
    const int s = row / kGroups, local = (kKeys - kRows + s) / kBlock;
    blocks.insert(blocks.end(), {0, 1 + s / 16, local - 1, row % 5 == 0 ? -1 : local});
  }
  return blocks;
}

std::string record(const TemporaryFolder& folder, const std::vector<std::int32_t>& blocks) {
  return write_npy(folder.file("rec.npy"), {1, kRows, kGroups, kEntries}, blocks);
}

// Query-key pairs of all rows: three whole blocks, and the local one up to the row.
double count_tokens() {
  double tokens = 0;
  for (int row = 0; row < kRows * kGroups; ++row)
    tokens += 3 * kBlock + (row % 5 == 0 ? 0 : (kKeys - kRows + row / kGroups) % kBlock + 1);
  return tokens;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

}  // namespace

TEST_CASE("a recorded selection is tuned, reported, looked up and benched as a workload of its own") {
  const TemporaryFolder folder;
  const std::string tuple = kTuple + "--selection " + record(folder, make_blocks());
  const auto tuned = run_program(folder, "tune --max-trials 2" + tuple);
  INFO(tuned.out << tuned.err);
  REQUIRE(tuned.exit_code == 0);
  CHECK(has(tuned.out, "B1 S48 G2 S_kv256 overlap"));
  CHECK(has(tuned.out, " recorded "));
  CHECK(has(tuned.out, "3 compiled, 3 measured, 0 reused, 0 rejected"));
  CHECK(has(run_program(folder, "tune --max-trials 2" + tuple).out, "\n0 compiled, 0 measured, 3 reused"));

  const auto report = nlohmann::json::parse(run_program(folder, "report --format json").out);
  REQUIRE(report.size() == 1);
  const std::string digest = report[0]["selection"];
  CHECK(report[0]["workload"].get<std::string>().ends_with(",selection=" + digest));
  CHECK(report[0]["overlap"].get<int>() > 60);
  CHECK(report[0]["variant"] == "query_major");

  const auto found = nlohmann::json::parse(run_program(folder, "lookup --json" + tuple).out);
  CHECK(found["grade"] != "nearest");
  CHECK(found["baseline_us"].get<double>() > 0);

  const auto bench = run_program(folder, "bench selection --rounds 3 --configs default --json " + folder.file("b.json") + tuple);
  INFO(bench.out << bench.err);
  REQUIRE(bench.exit_code == 0);
  const auto cases = read_json(folder.file("b.json"))["cases"];
  CHECK(cases[0]["selection"] == digest);
  CHECK(cases[0]["flops"].get<double>() == 2.0 * count_tokens() * 2 * (32 + 32));
}

TEST_CASE("the gate runs on the recorded rows") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "parity" + kTuple + "--selection " + record(folder, make_blocks()));
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "the workload S=48 S_kv=256 n=4"));
  CHECK(has(result.out, "\npassed"));
}

TEST_CASE("an empty recording is gated and timed: every row gives 0") {
  const TemporaryFolder folder;
  const std::vector<std::int32_t> nothing(static_cast<std::size_t>(kRows * kGroups * kEntries), -1);
  const auto result = run_program(folder, "parity" + kTuple + "--selection " + record(folder, nothing));
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
}

TEST_CASE("an empty row among others is no fault, though the gate does not compare it") {
  const TemporaryFolder folder;
  auto blocks = make_blocks();
  std::fill_n(blocks.begin() + 2 * kEntries, kEntries, -1);  // row 2 is not among the 64 of 96 that are sampled
  const auto result = run_program(folder, "parity" + kTuple + "--selection " + record(folder, blocks));
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
}

TEST_CASE("a sweep tunes recorded and generated selections at several overlaps", "[slow]") {
  const TemporaryFolder folder;
  record(folder, make_blocks());
  const auto sweep = folder.write("sweep.toml",
                                  "[tune]\nmax_trials = 1\n[defaults]\ndtype = 'fp32'\ndk = 32\ndv = 32\ngroup = 2\nS_kv = 256\n"
                                  "l_sel = 32\n[[tuple]]\nselection = 'rec.npy'\n[[tuple]]\nS = 48\nG = 2\nn_sel = 4\n"
                                  "input = 'blocks'\noverlap = [0, 50]\n");
  const auto tuned = run_program(folder, "tune --device cpu --sweep " + sweep);
  INFO(tuned.out << tuned.err);
  REQUIRE(tuned.exit_code == 0);
  const auto report = nlohmann::json::parse(run_program(folder, "report --format json").out);
  REQUIRE(report.size() == 3);
  CHECK(report[0]["overlap"] == 0);
  CHECK(report[1]["overlap"] == 50);
  CHECK(report[2]["selection"].is_string());
  // Who knows the overlap of a launch, but has no recording of it, is served what the recording's tuning found.
  const auto near = run_program(folder, "lookup --json" + kTuple + "--S 48 --G 2 --n-sel 4 --input blocks --overlap 95");
  CHECK(nlohmann::json::parse(near.out)["baseline_us"] == report[2]["baseline_us"]);
}

TEST_CASE("wrong recordings are refused before anything runs, with what is wrong where") {
  const TemporaryFolder folder;
  auto twice = make_blocks();
  twice[4 * 7 + 1] = 0;
  const auto refused = [&](const std::string& arguments, const std::vector<std::string>& parts) {
    const auto result = run_program(folder, arguments);
    INFO(arguments << "\n" << result.err << result.out);
    CHECK(result.exit_code == 2);
    for (const auto& part : parts) CHECK(has(result.err + result.out, part));
    CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
  };
  const std::string wrong = record(folder, twice), text = folder.write("text.npy", "0 1 2 3 4 5 6 7");
  refused("tune" + kTuple + "--selection " + wrong,
          {"rec.npy: row (b=0, s=3, g=1), entry 1: block 0 is selected twice, in entry 0"});
  refused("bench selection" + kTuple + "--selection " + wrong, {"row (b=0, s=3, g=1)"});
  refused("parity" + kTuple + "--selection " + wrong, {"row (b=0, s=3, g=1)"});
  refused("tune" + kTuple + "--selection " + text, {"text.npy: it is not a .npy file", "numpy.save"});
  refused("tune" + kTuple + "--selection /nonexistent/r.npy", {"read /nonexistent/r.npy: No such file"});
  const std::string right = record(folder, make_blocks());
  refused("tune" + kTuple + "--S 32 --selection " + right, {"S=32 was given", "rec.npy has S=48"});
  refused("tune" + kTuple + "--overlap 0,50 --selection " + right, {"overlap=0 was given", "measured"});
  refused("tune" + kTuple + "--layout varlen --selection " + right, {"layout varlen"});
  refused("tune --sweep a.toml --selection " + right, {"exclude each other", "selection = "});
  refused("parity" + kTuple + "--S 48 --n-sel 4 --overlap 0,50", {"names 2 overlaps; this command takes one"});
  refused("tune --device cpu --problem 'n_sel=4;S=256,selection=9f00000000000001'", {"9f00000000000001", "--selection"});
}
