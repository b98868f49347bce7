// SharedWork: a counter, and the first error.

#include "tuner/shared_work.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/assert.h"
#include "nsajit/error.h"
#include "nsajit/target.h"

namespace nsajit::tuner {

void share_work(std::size_t lanes, std::size_t count, const std::function<void(std::size_t lane, std::size_t index)>& work) {
  NSAJIT_ASSERT(lanes > 0, "somebody works");
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run_lane = [&](std::size_t lane) {
    try {
      for (std::size_t index = next++; index < count; index = next++) work(lane, index);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t lane = 1; lane < lanes; ++lane) others.emplace_back(run_lane, lane);
    run_lane(0);
  }
  if (failure) std::rethrow_exception(failure);
}

void check_same_model(std::span<const std::string> names, std::span<const Target> targets) {
  NSAJIT_ASSERT(names.size() == targets.size(), "each device has its name");
  const auto describe = [](const Target& target) {
    return fmt::format("{}, driver {}", to_string(target), target.driver_version);
  };
  for (std::size_t index = 1; index < targets.size(); ++index) {
    const std::string first = describe(targets[0]), other = describe(targets[index]);
    if (first == other) continue;
    throw Error(
        ErrorCode::InvalidArgument,
        fmt::format("--device: {} is {}, but {} is {}; the devices of one sweep are of one model: tune each model by itself",
                    names[0], first, names[index], other));
  }
}

}  // namespace nsajit::tuner
