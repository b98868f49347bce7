// KeyLock: one owner at a time, threads and processes alike, and none that outlives its process.

#include "cache/key_lock.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_all.hpp>

#include "tests/cache/captured_stderr.h"
#include "tests/cache/child_process.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kShort{30};
constexpr milliseconds kLong{20'000};

bool is_free(const std::string& path, const std::string& key) {
  CapturedStderr quiet;
  return KeyLock::take(path, key, kShort).has_value();
}

}  // namespace

TEST_CASE("a key has one owner, other keys and other caches have theirs") {
  ScratchFolder folder;
  const auto lock = KeyLock::take(folder.file(), "a", kShort);
  REQUIRE(lock);
  REQUIRE_FALSE(is_free(folder.file(), "a"));
  REQUIRE(is_free(folder.file(), "b"));
  REQUIRE(is_free(folder.file("other.db"), "a"));
}

TEST_CASE("a key is free once its owner is gone") {
  ScratchFolder folder;
  { const auto lock = KeyLock::take(folder.file(), "a", kShort); }
  REQUIRE(is_free(folder.file(), "a"));
}

TEST_CASE("threads take turns") {
  ScratchFolder folder;
  // Atomic for the thread sanitizer, which does not see that a lock on a file orders threads.
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto lock = KeyLock::take(folder.file(), "a", kLong);
        if (++inside > 1) met = true;
        std::this_thread::sleep_for(milliseconds(2));
        --inside;
      });
    }
  }
  REQUIRE_FALSE(met);
}

TEST_CASE("a process that is killed leaves no lock behind") {
  ScratchFolder folder;
  ChildProcess owner([&](int output) {
    const auto lock = KeyLock::take(folder.file(), "a", kShort);
    ChildProcess::say(output, lock ? "mine" : "none");
    std::this_thread::sleep_for(std::chrono::seconds(60));
  });
  REQUIRE(owner.read_some() == "mine");
  REQUIRE_FALSE(is_free(folder.file(), "a"));
  owner.kill();
  REQUIRE(KeyLock::take(folder.file(), "a", kLong).has_value());
}

TEST_CASE("where no lock can be had, the caller goes on without and nothing is made") {
  ScratchFolder folder;
  REQUIRE_FALSE(KeyLock::take(folder.file("missing/cache.db"), "a", kLong));
  REQUIRE(std::filesystem::is_empty(folder.path()));
}

}  // namespace nsajit::cache
