// Shared use: one file, several users. Who may only read it leaves nothing beside it and still sees what the owner stores.

#include <filesystem>
#include <functional>
#include <string>

#include <unistd.h>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "cache/sqlite_database.h"
#include "nsajit/error.h"
#include "tests/cache/captured_stderr.h"
#include "tests/cache/child_process.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

using std::filesystem::perms;

// The owner's file, at rest, in a folder that everybody may write.
void make_shared_cache(const ScratchFolder& folder) {
  {
    Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
    store_gated_trial(cache, cache.begin_run(sample_run()));
  }
  std::filesystem::permissions(folder.path(), perms::all);
  std::filesystem::permissions(folder.file(), perms(0444));
}

std::size_t count_files(const ScratchFolder& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

void become_another_user() {
  if (geteuid() == 0 && setuid(65534) != 0) throw std::runtime_error("cannot give up root");
}

// A reader in another process that answers each byte it is sent with the number of trials it sees. Ends with the pipe.
class OtherReader {
 public:
  explicit OtherReader(const std::string& path) {
    if (pipe(questions_) != 0) throw std::runtime_error("pipe failed");
    child_.emplace_back([this, path](int output) {
      close(questions_[1]);
      become_another_user();
      Cache cache = Cache::open(path, OpenMode::ReadOnly);
      for (char byte = 0; read(questions_[0], &byte, 1) == 1;) {
        ChildProcess::say(output, std::to_string(cache.trials().size()));
      }
    });
  }
  ~OtherReader() {
    close(questions_[0]);
    close(questions_[1]);
  }
  std::string count_trials() {
    if (write(questions_[1], "?", 1) != 1) throw std::runtime_error("the reader is gone");
    return child_.front().read_some();
  }

 private:
  int questions_[2] = {-1, -1};
  std::vector<ChildProcess> child_;
};

}  // namespace

TEST_CASE("who may not write the file reads it and leaves nothing beside it") {
  ScratchFolder folder;
  make_shared_cache(folder);
  const auto files = count_files(folder);
  const std::string answer = ChildProcess([&](int output) {
                               become_another_user();
                               CapturedStderr captured;
                               Cache cache = Cache::open(folder.file(), OpenMode::ReadOnly);
                               ChildProcess::say(output, std::to_string(cache.trials().size()) + " trial" + captured.text());
                             }).wait();
  REQUIRE(answer == "1 trial");
  REQUIRE(count_files(folder) == files);
}

TEST_CASE("who may not write the file sees what its owner stores meanwhile") {
  ScratchFolder folder;
  make_shared_cache(folder);
  OtherReader reader(folder.file());
  REQUIRE(reader.count_trials() == "1");
  {
    std::filesystem::permissions(folder.file(), perms(0644));
    Cache owner = Cache::open(folder.file(), OpenMode::ReadWrite);
    store_gated_trial(owner, owner.begin_run(sample_run()), "query_major{warps=8}");
    REQUIRE(reader.count_trials() == "2");
    store_gated_trial(owner, owner.begin_run(sample_run()), "query_major{warps=16}");
    REQUIRE(reader.count_trials() == "3");
  }
  REQUIRE(reader.count_trials() == "3");
}

TEST_CASE("a write to a file that may only be read says which file and what to do, and makes nothing") {
  ScratchFolder folder;
  make_shared_cache(folder);
  const auto files = count_files(folder);
  const std::string answer = ChildProcess([&](int) {
                               become_another_user();
                               Cache::open(folder.file(), OpenMode::ReadWrite);
                             }).wait();
  REQUIRE_THAT(answer, says("cannot open cache .*cache\\.db for writing: the file is read-only; make the file"));
  REQUIRE(count_files(folder) == files);
}

}  // namespace nsajit::cache
