// Damaged, unreadable and locked files: a reader gets misses and one warning, a writer an error that says what to
// do, and the file stays as it was.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/content.h"
#include "cache/info.h"
#include "cache/sqlite_database.h"
#include "cache/verify.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/child_process.h"
#include "tests/cache/sample_content.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The bytes of a cache with a few of every row in it, large enough to have interior pages.
std::string make_healthy_bytes() {
  ScratchFolder folder;
  {
    Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
    const auto run = cache.begin_run(sample_run());
    for (int i = 0; i < 40; ++i) {
      TrialRecord trial = sample_trial(run, "query_major{warps=" + std::to_string(i) + "}");
      trial.id = cache.store_trial(trial, sample_parity(), sample_binary(trial.config));
      cache.store_winner(sample_winner(trial, std::to_string(i)));
    }
    cache.store_threshold(sample_threshold(run));
    cache.store_device(sample_device());
  }
  return read_file(folder.file());
}

const std::string& healthy_bytes() {
  static const std::string bytes = make_healthy_bytes();
  return bytes;
}

// Asks everything; what a reader must survive.
void read_everything(Cache& cache) {
  const TrialRecord trial = sample_trial(1);
  cache.find_trial(trial.key);
  cache.find_trial(std::int64_t{1});
  cache.find_parity(1);
  cache.find_winners(trial.problem, trial.device);
  cache.find_threshold("NSA_SEL_TRITON_MIN_L", sample_winner(trial));
  cache.find_binary(trial.kernel_key);
  cache.winners();
  cache.thresholds();
  cache.trials();
  cache.runs();
  cache.devices();
  cache.aliases();
  cache.content();
  if (!cache.is_usable()) return;
  cache.info();
  cache.verify();
}

bool knows_nothing(Cache& cache) {
  return cache.trials().empty() && cache.winners().empty() && cache.runs().empty() && cache.thresholds().empty() &&
         cache.devices().empty() && !cache.find_binary(sample_binary().kernel_key);
}

struct Damage {
  std::string name;
  std::string (*apply)(std::string bytes);
};

std::vector<Damage> fatal_damages() {
  return {
      {"not a database", [](std::string) { return std::string(5000, 'x'); }},
      {"one byte", [](std::string) { return std::string("S"); }},
      {"only the magic", [](std::string bytes) { return bytes.substr(0, 16); }},
      {"only the header", [](std::string bytes) { return bytes.substr(0, 100); }},
      {"truncated to a page", [](std::string bytes) { return bytes.substr(0, 4096); }},
      {"truncated in the middle", [](std::string bytes) { return bytes.substr(0, bytes.size() / 2 + 17); }},
      {"a wrong magic",
       [](std::string bytes) {
         bytes[3] ^= 1;
         return bytes;
       }},
      {"a wrong page size",
       [](std::string bytes) {
         bytes[16] ^= 0x55;
         return bytes;
       }},
      {"a wiped schema page", [](std::string bytes) { return bytes.replace(100, 3996, 3996, '\0'); }},
      {"nonsense in the schema page", [](std::string bytes) { return bytes.replace(100, 3996, 3996, 'Z'); }},
  };
}

// Runs `work` as a user to whom file permissions apply, root or not. What it says is the answer.
std::string as_ordinary_user(const std::function<std::string()>& work) {
  return ChildProcess([&](int output) {
           if (geteuid() == 0 && setuid(65534) != 0) throw std::runtime_error("cannot give up root");
           ChildProcess::say(output, work());
         })
      .wait();
}

void make_all_read_only(const ScratchFolder& folder) {
  using std::filesystem::perms;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::permissions(entry.path(), perms(0444));
  }
  std::filesystem::permissions(folder.path(), perms(0555));
}

}  // namespace

TEST_CASE("a damaged file is an empty cache for a reader, with one warning") {
  const Damage damage = GENERATE(from_range(fatal_damages()));
  INFO(damage.name);
  ScratchFolder folder;
  write_file(folder.file(), damage.apply(healthy_bytes()));
  CapturedStderr captured;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE(knows_nothing(cache));
  read_everything(cache);
  INFO(captured.text());
  REQUIRE(captured.lines() == 1);
  REQUIRE(captured.text().find(folder.file()) != std::string::npos);
}

TEST_CASE("a damaged file is refused for writing with path and remedy, and stays as it was") {
  const Damage damage = GENERATE(from_range(fatal_damages()));
  INFO(damage.name);
  ScratchFolder folder;
  const std::string bytes = damage.apply(healthy_bytes());
  write_file(folder.file(), bytes);
  REQUIRE_THROWS_WITH(Cache::open(folder.file(), OpenMode::ReadWrite), says("cannot open cache .*cache\\.db: .*"
                                                                            "move it away, or pass another file with --cache"));
  REQUIRE(read_file(folder.file()) == bytes);
}

TEST_CASE("an empty file is an empty cache for a reader, with one warning") {
  ScratchFolder folder;
  write_file(folder.file(), "");
  CapturedStderr captured;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  REQUIRE(knows_nothing(cache));
  REQUIRE(captured.lines() == 1);
  REQUIRE(std::filesystem::file_size(folder.file()) == 0);
}

TEST_CASE("an empty file becomes a cache when it is opened for writing") {
  ScratchFolder folder;
  write_file(folder.file(), "");
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE(cache.begin_run(sample_run()) == 1);
}

TEST_CASE("a bit flipped anywhere never stops a reader and never alters a binary") {
  const std::string healthy = healthy_bytes();
  const BinaryRecord original = sample_binary();
  std::mt19937_64 random(7);
  ScratchFolder folder;
  CapturedStderr captured;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = healthy;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    write_file(folder.file(), bytes);
    Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
    read_everything(cache);
    const auto binary = cache.find_binary(original.kernel_key);
    // Its log and times are not covered by the digest: they are never run.
    REQUIRE((!binary || (binary->code == original.code && binary->entries_json == original.entries_json &&
                         binary->arch == original.arch && binary->backend == original.backend)));
    std::filesystem::remove(folder.file());
  }
}

TEST_CASE("a file that is damaged while it is open is a miss and one warning") {
  ScratchFolder folder;
  const std::string healthy = healthy_bytes();
  write_file(folder.file(), healthy);
  Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
  std::string bytes = healthy;
  write_file(folder.file(), bytes.replace(4096, bytes.size() - 4096, bytes.size() - 4096, 'Z'));
  CapturedStderr captured;
  REQUIRE(knows_nothing(cache));
  read_everything(cache);
  REQUIRE(captured.lines() == 1);
}

TEST_CASE("a binary with a changed byte is a miss and one warning, and a new one heals it") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, {}, sample_binary());
  const std::string change = GENERATE("code = zeroblob(length(code))", "code = substr(code, 1, length(code) - 1)", "code = x''",
                                      "code_bytes = code_bytes + 1", "code_bytes = 1 << 60", "code_bytes = -1", "arch = '80'",
                                      "backend = 'cpu'", "entries_json = '[]'", "content_digest = 'x'", "key_text = 'x'");
  INFO(change);
  SqliteDatabase(folder.file(), SqliteMode::Create, 1000).execute("UPDATE binary SET " + change);
  CapturedStderr captured;
  REQUIRE_FALSE(cache.find_binary(trial.kernel_key));
  REQUIRE_FALSE(cache.find_binary(trial.kernel_key));
  REQUIRE(captured.lines() == 1);
  REQUIRE_THAT(captured.text(), says("binary " + trial.kernel_key + " is damaged"));
  cache.store_trial(trial, {}, sample_binary());
  REQUIRE(cache.find_binary(trial.kernel_key) == sample_binary());
}

TEST_CASE("a trial or winner whose key text changed is a miss and one warning, and its neighbours stay") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const auto run = cache.begin_run(sample_run());
  const TrialRecord first = store_gated_trial(cache, run);
  const TrialRecord second = store_gated_trial(cache, run, "query_major{warps=8}");
  cache.store_winner(sample_winner(first, "a"));
  cache.store_winner(sample_winner(second, "b"));
  const std::string attack = GENERATE("UPDATE trial SET key_text = key_text || 'x' WHERE id = 1",
                                      "DROP TRIGGER winner_is_replaced_whole; UPDATE winner SET key_text = 'x' WHERE id = 1");
  const bool on_trial = attack.find("UPDATE trial") == 0;
  SqliteDatabase(folder.file(), SqliteMode::Create, 1000).execute(attack);
  CapturedStderr captured;
  REQUIRE(cache.trials().size() == (on_trial ? 1U : 2U));
  REQUIRE(cache.winners().size() == (on_trial ? 2U : 1U));
  REQUIRE(cache.find_trial(first.key).has_value() != on_trial);
  REQUIRE(cache.find_winner(sample_winner(first, "a").key).has_value() == on_trial);
  REQUIRE(captured.lines() == 1);
}

TEST_CASE("a colliding digest is a miss") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, {}, sample_binary());
  TrialKey wanted = sample_trial_key("another{}");
  // What a collision would leave behind: the wanted digest over another text.
  SqliteDatabase other(folder.file(), SqliteMode::Create, 1000);
  other.execute("UPDATE trial SET key = '" + wanted.digest() + "'; UPDATE binary SET kernel_key = '" + wanted.kernel.digest() +
                "'");
  CapturedStderr captured;
  REQUIRE_FALSE(cache.find_trial(wanted));
  REQUIRE_FALSE(cache.find_binary(wanted.kernel));
}

TEST_CASE("a folder in the file's place is an empty cache for a reader and refused for writing") {
  ScratchFolder folder;
  CapturedStderr captured;
  Cache cache = Cache::open(folder.path().string(), OpenMode::ReadOnly);
  REQUIRE(knows_nothing(cache));
  REQUIRE(captured.lines() == 1);
  REQUIRE_THROWS_WITH(Cache::open(folder.path().string(), OpenMode::ReadWrite), says("it is a folder, a file is wanted"));
}

TEST_CASE("a file in a folder's place is refused for writing and a miss for reading") {
  ScratchFolder folder;
  write_file(folder.file("file"), "x");
  REQUIRE_THROWS_WITH(Cache::open(folder.file("file/cache.db"), OpenMode::ReadWrite), says("cannot open cache .*--cache"));
  CapturedStderr captured;
  Cache cache = Cache::open(folder.file("file/cache.db"), OpenMode::ReadOnly);
  REQUIRE(knows_nothing(cache));
}

TEST_CASE("a file locked by another program is a miss and one warning for a reader") {
  ScratchFolder folder;
  write_file(folder.file(), healthy_bytes());
  SqliteDatabase other(folder.file(), SqliteMode::Create, 0);
  other.execute("PRAGMA journal_mode = DELETE");
  Cache early = Cache::open(folder.file(), OpenMode::ReadOnly, 20);
  other.execute("BEGIN EXCLUSIVE");
  CapturedStderr captured;
  REQUIRE(knows_nothing(early));
  REQUIRE(captured.lines() == 1);
  Cache late = Cache::open(folder.file(), OpenMode::ReadOnly, 20);
  REQUIRE(knows_nothing(late));
  REQUIRE(captured.lines() == 2);
  other.execute("COMMIT");
  REQUIRE_FALSE(early.trials().empty());
}

TEST_CASE("a file locked by another writer is an error that says to try again") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite, 20);
  SqliteDatabase other(folder.file(), SqliteMode::Create, 0);
  other.execute("BEGIN IMMEDIATE");
  REQUIRE_THROWS_WITH(cache.begin_run(sample_run()),
                      says("cannot begin a run in cache .*another process holds the file: try again, or pass"));
  other.execute("ROLLBACK");
  REQUIRE(cache.begin_run(sample_run()) == 1);
}

TEST_CASE("a read-only file in a read-only folder is read as it lies, without a warning") {
  ScratchFolder folder;
  write_file(folder.file(), healthy_bytes());
  make_all_read_only(folder);
  const std::string answer = as_ordinary_user([&] {
    CapturedStderr captured;
    Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
    return std::to_string(cache.trials().size()) + " trials" + captured.text();
  });
  REQUIRE(answer == "40 trials");
}

TEST_CASE("a read-only file is refused for writing with a remedy") {
  ScratchFolder folder;
  write_file(folder.file(), healthy_bytes());
  make_all_read_only(folder);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const std::string answer = as_ordinary_user([&] { return Cache::open(folder.file(), OpenMode::ReadWrite).path(); });
  REQUIRE_THAT(answer, says("cannot open cache .*; make the file and its folder writable, or pass another file with --cache"));
}

TEST_CASE("a read-only folder is refused for writing with a remedy") {
  ScratchFolder folder;
  write_file(folder.file(), healthy_bytes());
  std::filesystem::permissions(folder.file(), std::filesystem::perms::all);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  const std::string existing = as_ordinary_user([&] { return Cache::open(folder.file(), OpenMode::ReadWrite).path(); });
  REQUIRE_THAT(existing, says("its folder .* refuses: Permission denied; make the file and its folder writable"));
  const std::string missing = as_ordinary_user([&] { return Cache::open(folder.file("a/b.db"), OpenMode::ReadWrite).path(); });
  REQUIRE_THAT(missing, says("the folder .* cannot be made: Permission denied; make it writable"));
}

TEST_CASE("a file that may not be read is a miss and one warning") {
  ScratchFolder folder;
  write_file(folder.file(), healthy_bytes());
  std::filesystem::permissions(folder.file(), std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const std::string answer = as_ordinary_user([&] {
    CapturedStderr captured;
    Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
    return std::to_string(cache.trials().size()) + " trials, " + std::to_string(captured.lines()) + " line";
  });
  REQUIRE(answer == "0 trials, 1 line");
}

TEST_CASE("an import on a disk that takes no more is an error, and leaves the file as it was") {
  ScratchFolder folder;
  Cache::open(folder.file(), OpenMode::ReadWrite).merge(sample_content({.trials = 3, .winners = 1, .seed = 1}));
  const std::string answer = ChildProcess([&](int) {
                               signal(SIGXFSZ, SIG_IGN);
                               Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
                               const rlimit limit{.rlim_cur = 200'000, .rlim_max = 200'000};
                               setrlimit(RLIMIT_FSIZE, &limit);
                               cache.merge(sample_content({.trials = 1000, .winners = 9, .seed = 2}));
                             }).wait();
  REQUIRE_THAT(answer, says("cannot take in other results in cache .*free space"));
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  REQUIRE(cache.verify().findings.empty());
  REQUIRE(cache.trials().size() == 4);
  REQUIRE(cache.winners().size() == 1);
}

TEST_CASE("a disk that takes no more is an error, and what was stored before is whole") {
  ScratchFolder folder;
  Cache::open(folder.file(), OpenMode::ReadWrite).begin_run(sample_run());
  const std::string answer = ChildProcess([&](int) {
                               signal(SIGXFSZ, SIG_IGN);
                               Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
                               const rlimit limit{.rlim_cur = 200'000, .rlim_max = 200'000};
                               setrlimit(RLIMIT_FSIZE, &limit);
                               for (int i = 0; i < 1000; ++i) store_gated_trial(cache, 1);
                             }).wait();
  REQUIRE_THAT(answer, says("cannot store a trial of .*free space"));
  SqliteDatabase database(folder.file(), SqliteMode::Create, 1000);
  REQUIRE(database.query_text("PRAGMA integrity_check") == "ok");
  REQUIRE(database.query_integer("SELECT count(*) * 2 - (SELECT count(*) FROM parity) FROM trial") == 0);
}

}  // namespace nsajit::cache
