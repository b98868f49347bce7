// nsajit cache ..., and frozen mode, as a user types them.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "tests/cache/sample_content.h"
#include "tests/cache/sample_records.h"
#include "tests/cli/program.h"

namespace {

using nsajit::cache::Cache;
using nsajit::cache::OpenMode;
using nsajit::testing::program_path;
using nsajit::testing::run_program;
using nsajit::testing::TemporaryFolder;

const std::string kTuple = " --device cpu --dtype fp32 --dk 32 --dv 32 --group 2 --S 48 --S-kv 256 --l-sel 32 --n-sel 4 --G 2 ";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void make_cache(const std::string& path, int trials, std::uint64_t seed) {
  Cache::open(path, OpenMode::ReadWrite).merge(nsajit::cache::sample_content({.trials = trials, .winners = 3, .seed = seed}));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string export_of(const TemporaryFolder& folder, const std::string& cache) {
  return run_program(folder, "cache export --cache " + folder.file(cache)).out;
}

}  // namespace

TEST_CASE("cache info describes the file as text and as JSON") {
  const TemporaryFolder folder;
  make_cache(folder.file("cache.db"), 10, 1);
  const auto text = run_program(folder, "cache info");
  CHECK(text.exit_code == 0);
  CHECK(has(text.out, folder.file("cache.db")));
  CHECK(has(text.out, "NVIDIA H200 (cuda, 90a): 11 trials, 3 winners"));
  const auto json = nlohmann::json::parse(run_program(folder, "cache info --json").out);
  CHECK(json["schema_version"] == nsajit::cache::kSchemaVersion);
  CHECK(json["integrity"] == "ok");
  CHECK(json["rows"]["trial"] == 11);
}

TEST_CASE("a cache command on a file that is not there says so and makes none") {
  const TemporaryFolder folder;
  for (const std::string command : {"info", "verify", "export", "prune --max-size 1MB", "alias"}) {
    const auto result = run_program(folder, "cache " + command);
    INFO(command << ": " << result.err);
    CHECK(result.exit_code == 4);
    CHECK(has(result.err, "there is no cache file " + folder.file("cache.db")));
  }
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
}

TEST_CASE("cache verify finds nothing in a sound file, names the row of a bad one, and gives up on none of ours") {
  const TemporaryFolder folder;
  make_cache(folder.file("cache.db"), 10, 1);
  CHECK(run_program(folder, "cache verify").exit_code == 0);
  nsajit::cache::SqliteDatabase(folder.file("cache.db"), nsajit::cache::SqliteMode::Create, 1000)
      .execute("UPDATE trial SET config = 'broken' WHERE id = 5");
  const auto result = run_program(folder, "cache verify");
  CHECK(result.exit_code == 1);
  CHECK(has(result.out, "trial 5: its key text has config"));
  CHECK(has(result.out, "nsajit tune"));
  folder.write("cache.db", std::string(8192, 'x'));
  CHECK(run_program(folder, "cache verify").exit_code == 4);
}

TEST_CASE("an export imported into a new file is exported byte for byte, and importing it again brings nothing") {
  const TemporaryFolder folder;
  make_cache(folder.file("cache.db"), 10, 1);
  CHECK(run_program(folder, "cache export --output " + folder.file("a.jsonl")).exit_code == 0);
  const auto first = run_program(folder, "cache import " + folder.file("a.jsonl") + " --cache " + folder.file("b.db"));
  CHECK(first.exit_code == 0);
  CHECK(has(first.out, "11 trials, 3 winners, 1 thresholds, 1 runs and 1 devices taken in"));
  CHECK(export_of(folder, "b.db") == read_file(folder.file("a.jsonl")));
  const auto again = run_program(folder, "cache import " + folder.file("a.jsonl") + " --cache " + folder.file("b.db"));
  CHECK(has(again.out, "0 trials, 0 winners, 0 thresholds, 0 runs and 0 devices taken in"));
}

TEST_CASE("a bad import names file and line, and makes or changes nothing") {
  const TemporaryFolder folder;
  make_cache(folder.file("a.db"), 10, 1);
  std::string text = export_of(folder, "a.db");
  const std::string good = folder.write("good.jsonl", text);
  text.replace(text.find("\"samples\":"), 10, "\"samples\":-");
  const std::string bad = folder.write("bad.jsonl", text);
  const auto result = run_program(folder, "cache import " + good + " " + bad);
  CHECK(result.exit_code == 2);
  CHECK(has(result.err, "cannot import " + bad + ", line 4: a count is negative; nothing was imported"));
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
  CHECK(run_program(folder, "cache import " + folder.file("none")).exit_code == 4);
  CHECK(run_program(folder, "cache import --max-size 1KB " + good).exit_code == 2);
  CHECK(run_program(folder, "cache import " + folder.file("a.db")).exit_code == 2);
}

TEST_CASE("files merged into each other are exported alike") {
  const TemporaryFolder folder;
  make_cache(folder.file("a.db"), 10, 1);
  make_cache(folder.file("b.db"), 20, 2);
  std::filesystem::copy(folder.file("a.db"), folder.file("ab.db"));
  std::filesystem::copy(folder.file("b.db"), folder.file("ba.db"));
  CHECK(run_program(folder, "cache merge " + folder.file("b.db") + " --cache " + folder.file("ab.db")).exit_code == 0);
  CHECK(run_program(folder, "cache merge " + folder.file("a.db") + " --cache " + folder.file("ba.db")).exit_code == 0);
  CHECK(export_of(folder, "ab.db") == export_of(folder, "ba.db"));
  CHECK(export_of(folder, "ab.db") != export_of(folder, "a.db"));
}

TEST_CASE("cache prune wants a limit, takes units, and says where it cannot be reached") {
  const TemporaryFolder folder;
  make_cache(folder.file("cache.db"), 10, 1);
  CHECK(run_program(folder, "cache prune").exit_code == 2);
  CHECK(run_program(folder, "cache prune --older-than 30").exit_code == 2);
  CHECK(run_program(folder, "cache prune --older-than 30d --max-size 1GB").exit_code == 0);
  const auto result = run_program(folder, "cache prune --max-size 1KB");
  CHECK(result.exit_code == 1);
  CHECK(has(result.out, "decisions and measurements are never evicted"));
}

TEST_CASE("an alias is made, listed and taken back") {
  const TemporaryFolder folder;
  const std::string models = "\"NVIDIA H200 NVL\" \"NVIDIA H200\"";
  CHECK(run_program(folder, "cache alias " + models).exit_code == 0);
  CHECK(has(run_program(folder, "cache alias").out, "NVIDIA H200 NVL is served by what was measured on NVIDIA H200"));
  CHECK(run_program(folder, "cache alias --remove " + models).exit_code == 0);
  CHECK(run_program(folder, "cache alias --remove " + models).exit_code == 3);
  CHECK(run_program(folder, "cache alias \"NVIDIA H200\"").exit_code == 2);
  CHECK(run_program(folder, "cache alias a a").exit_code == 2);
}

TEST_CASE("frozen, what is not in the cache is an error, and nothing is made") {
  const TemporaryFolder folder;
  for (const std::string command : {"tune --max-trials 3", "--frozen tune --in-process", "compile --arch host", "parity"}) {
    const std::string frozen = has(command, "--frozen") ? "" : " --frozen";
    const std::string tuple = has(command, "compile") ? " --dtype fp32 --dk 32 --dv 32" : kTuple;
    const auto result = run_program(folder, command + tuple + frozen);
    INFO(command << ": " << result.out << result.err);
    CHECK(result.exit_code == 3);
    CHECK(has(result.err, "frozen mode never"));
  }
  CHECK(run_program(folder, "bench selection --frozen" + kTuple).exit_code == 3);
  CHECK_FALSE(std::filesystem::exists(folder.file("cache.db")));
}

TEST_CASE("frozen, what was tuned is there, from the environment too") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, "tune --max-trials 3" + kTuple).exit_code == 0);
  const auto frozen = run_program(folder, "tune --max-trials 3 --frozen" + kTuple);
  INFO(frozen.out << frozen.err);
  CHECK(frozen.exit_code == 0);
  CHECK(has(frozen.out, "(from the cache)"));
  const auto with_variable = [&](const std::string& value) {
    return run_program(folder, "--version >/dev/null; NSAJIT_FROZEN=" + value + " " + program_path() + " tune --cache " +
                                   folder.file("cache.db") + " --max-trials 2" + kTuple);
  };
  CHECK(with_variable("1").exit_code == 3);
  CHECK(has(with_variable("1").err, "frozen mode never"));
  CHECK(with_variable("yes").exit_code == 2);
  CHECK(with_variable("0").exit_code == 0);
}

TEST_CASE("a tuned cache verifies, and travels to another file that then needs no measuring") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, "tune --max-trials 3" + kTuple).exit_code == 0);
  const auto verified = run_program(folder, "cache verify");
  INFO(verified.out);
  CHECK(verified.exit_code == 0);
  CHECK(run_program(folder, "cache export --output " + folder.file("a.jsonl")).exit_code == 0);
  CHECK(run_program(folder, "cache import " + folder.file("a.jsonl") + " --cache " + folder.file("b.db")).exit_code == 0);
  const auto again = run_program(folder, "tune --max-trials 3 --frozen --cache " + folder.file("b.db") + kTuple);
  INFO(again.out << again.err);
  CHECK(again.exit_code == 0);
  CHECK(has(again.out, "0 compiled, 0 measured, 4 reused"));
}

TEST_CASE("a tune that is killed at any moment is taken up again, and nothing is measured twice", "[slow]") {
  const TemporaryFolder folder;
  const std::string tune = "tune --max-trials 12" + kTuple;
  for (int kill = 0; kill < 8; ++kill) {
    run_program(folder, "--version >/dev/null; timeout --foreground -s KILL 0." + std::to_string(kill + 2) + " " +
                            program_path() + " " + tune + " --cache " + folder.file("cache.db"));
  }
  REQUIRE(run_program(folder, tune).exit_code == 0);
  CHECK(run_program(folder, "cache verify").exit_code == 0);
  nsajit::cache::SqliteDatabase database(folder.file("cache.db"), nsajit::cache::SqliteMode::Read, 1000);
  CHECK(database.query_integer("SELECT count(*) FROM trial") == 13);
  CHECK(database.query_integer("SELECT count(DISTINCT key) FROM trial") == 13);
  CHECK(has(run_program(folder, tune).out, "0 compiled, 0 measured, 13 reused"));
}
