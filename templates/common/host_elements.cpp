// Host loops: pieces dealt to threads that live for one call.

#include "templates/common/host_elements.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace nsajit::templates {

void for_each_piece(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& body) {
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      for (std::int64_t begin = next.fetch_add(grain); begin < count; begin = next.fetch_add(grain))
        body(begin, std::min(count, begin + grain));
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      failure = std::current_exception();
    }
  };
  const std::int64_t pieces = (count + grain - 1) / grain;
  const auto threads = std::min<std::int64_t>(pieces, std::max(1u, std::thread::hardware_concurrency()));
  {
    std::vector<std::jthread> crew;
    for (std::int64_t i = 1; i < threads; ++i) crew.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace nsajit::templates
