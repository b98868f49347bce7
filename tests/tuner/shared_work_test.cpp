// SharedWork: every piece once, nobody waits for a slow lane, the first error ends the rest.

#include "tuner/shared_work.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "nsajit/target.h"

using namespace nsajit;
using namespace nsajit::tuner;

TEST_CASE("every piece is worked on once, each lane on a thread of its own") {
  std::mutex mutex;
  std::multiset<std::size_t> done;
  std::vector<std::set<std::thread::id>> threads(4);
  share_work(4, 100, [&](std::size_t lane, std::size_t index) {
    const std::lock_guard lock(mutex);
    done.insert(index);
    threads[lane].insert(std::this_thread::get_id());
  });
  CHECK(done.size() == 100);
  CHECK(std::set<std::size_t>(done.begin(), done.end()).size() == 100);
  for (const auto& of_lane : threads) CHECK(of_lane.size() <= 1);
}

TEST_CASE("one lane works in order on the caller's thread") {
  std::vector<std::size_t> done;
  share_work(1, 5, [&](std::size_t lane, std::size_t index) {
    CHECK(lane == 0);
    CHECK(std::this_thread::get_id() != std::thread::id());
    done.push_back(index);
  });
  CHECK(done == std::vector<std::size_t>{0, 1, 2, 3, 4});
}

TEST_CASE("a lane that is held up holds nobody else up") {
  std::atomic<std::size_t> others{0};
  share_work(2, 21, [&](std::size_t, std::size_t index) {
    if (index > 0) ++others;
    while (index == 0 && others < 20) std::this_thread::yield();  // ends only where the other lane does all the rest
  });
  CHECK(others == 20);
}

TEST_CASE("an error ends the work, and reaches the caller") {
  std::atomic<int> begun{0};
  const auto work = [&](std::size_t, std::size_t) {
    ++begun;
    throw std::runtime_error("out of paper");
  };
  CHECK_THROWS_WITH(share_work(3, 1000, work), "out of paper");
  CHECK(begun <= 3);
}

TEST_CASE("devices of a sweep are of one model and one driver") {
  const std::vector<std::string> names{"cuda:0", "cuda:1"};
  Target target = cuda_profile("90a");
  target.name = "NVIDIA H200";
  Target other = target;
  CHECK_NOTHROW(check_same_model(names, std::vector{target, other}));
  other.name = "NVIDIA H100";
  CHECK_THROWS_WITH(check_same_model(names, std::vector{target, other}),
                    Catch::Matchers::Contains("cuda:0 is cuda;name=NVIDIA H200") &&
                        Catch::Matchers::Contains("cuda:1 is cuda;name=NVIDIA H100") &&
                        Catch::Matchers::Contains("tune each model"));
  other = target;
  ++other.driver_version;
  CHECK_THROWS_AS(check_same_model(names, std::vector{target, other}), Error);
}
