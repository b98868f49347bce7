// ForkPool: see the header.

#include "runtime/fork_pool.h"

namespace nsajit::runtime {

ForkPool::ForkPool(Device& device) {
  for (Slot& slot : slots_) slot.fork = device.make_fork();
}

ForkPool::Loan ForkPool::borrow() {
  for (Slot& slot : slots_)
    if (slot.fork != nullptr && !slot.taken.exchange(true, std::memory_order_acquire)) return Loan(&slot);
  return Loan(nullptr);
}

}  // namespace nsajit::runtime
