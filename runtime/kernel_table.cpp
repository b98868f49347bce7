// KernelTable: open addressing, linear.

#include "runtime/kernel_table.h"

#include <algorithm>

#include "core/assert.h"

namespace nsajit::runtime {

const ServedKernel* KernelTable::find(const Workload& workload) const noexcept {
  const std::size_t hash = std::hash<Workload>()(workload);
  for (std::size_t at = hash % kSlots;; at = (at + 1) % kSlots) {
    const ServedKernel* kernel = slots_[at].kernel.load(std::memory_order_acquire);
    if (kernel == nullptr) return nullptr;
    if (slots_[at].hash == hash && kernel->workload == workload) return kernel;
  }
}

std::shared_ptr<const ServedKernel> KernelTable::find_shared(const Workload& workload) const {
  const ServedKernel* const kernel = find(workload);
  if (kernel == nullptr) return nullptr;
  return *std::find_if(kernels_.begin(), kernels_.end(), [&](const auto& known) { return known.get() == kernel; });
}

void KernelTable::add(std::shared_ptr<const ServedKernel> kernel) {
  NSAJIT_ASSERT(!is_full(), "a full table is replaced");
  const std::size_t hash = std::hash<Workload>()(kernel->workload);
  std::size_t at = hash % kSlots;
  while (slots_[at].kernel.load(std::memory_order_relaxed) != nullptr) at = (at + 1) % kSlots;
  slots_[at].hash = hash;
  slots_[at].kernel.store(kernel.get(), std::memory_order_release);
  kernels_.push_back(std::move(kernel));
}

}  // namespace nsajit::runtime
