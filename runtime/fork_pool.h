#pragma once
// Fork pool: stream forks for the threads of a program, made once, so that a launch creates nothing. Thread-safe.

#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include "runtime/device.h"

namespace nsajit::runtime {

class ForkPool {
  struct Slot {
    std::atomic<bool> taken{false};
    std::unique_ptr<StreamFork> fork;
  };

 public:
  explicit ForkPool(Device& device);

  // A fork for the launches that one thread queues now; free again with the object.
  class Loan {
   public:
    explicit Loan(Slot* slot) : slot_(slot) {}
    Loan(Loan&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      if (slot_ != nullptr) slot_->taken.store(false, std::memory_order_release);
    }
    StreamFork* get() const { return slot_ != nullptr ? slot_->fork.get() : nullptr; }

   private:
    Slot* slot_;
  };
  // get() is nullptr where the device knows no second stream, or as many threads as there are slots are at it: then work
  // goes on one stream, which is as right.
  Loan borrow();

 private:
  std::array<Slot, 8> slots_;
};

}  // namespace nsajit::runtime
