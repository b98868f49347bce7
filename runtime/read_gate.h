#pragma once
// ReadGate: lets any number of threads read shared memory without a lock, and tells its owner when nobody reads any more
// what was taken away. A reader holds a Pass from before it loads the shared pointer until it is done; the owner replaces
// the pointer, then watches until every counter has been seen at zero once: whoever came in later saw the new pointer.
// Entering and leaving is one addition each, on a counter that few threads share. Thread-safe.

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

namespace nsajit::runtime {

class ReadGate {
 public:
  class Pass {
   public:
    Pass(Pass&& other) noexcept : readers_(std::exchange(other.readers_, nullptr)) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (readers_ != nullptr) readers_->fetch_sub(1, std::memory_order_release);
    }

   private:
    friend class ReadGate;
    explicit Pass(std::atomic<std::uint32_t>& readers) : readers_(&readers) {}
    std::atomic<std::uint32_t>* readers_;
  };

  // Sequentially consistent, like the load of the pointer that must follow it: the owner either sees this reader or has
  // shown it the new pointer.
  Pass enter() {
    std::atomic<std::uint32_t>& readers = counters_[own_counter()].readers;
    readers.fetch_add(1, std::memory_order_seq_cst);
    return Pass(readers);
  }

  // One bit per counter that may still have readers from before the pointer was replaced.
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  // `waiting` without the counters that are at zero now. 0: what was taken away may be freed.
  std::uint64_t still_read(std::uint64_t waiting) const {
    for (std::size_t i = 0; i < counters_.size(); ++i)
      if (counters_[i].readers.load(std::memory_order_seq_cst) == 0) waiting &= ~(std::uint64_t{1} << i);
    return waiting;
  }

 private:
  struct alignas(64) Counter {
    std::atomic<std::uint32_t> readers{0};
  };

  // Thread ids are addresses of pages apart: their low bits say nothing.
  static std::size_t own_counter() {
    const std::uint64_t id = std::hash<std::thread::id>()(std::this_thread::get_id());
    return static_cast<std::size_t>((id * 0x9e37'79b9'7f4a'7c15u) >> 58);
  }

  std::array<Counter, 64> counters_;
};

}  // namespace nsajit::runtime
