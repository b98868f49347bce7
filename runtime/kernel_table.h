#pragma once
// KernelTable: workload -> bound kernel, for readers that must not wait. One writer at a time adds; readers see an entry
// whole or not at all. Nothing is ever taken out: a table that is full, or out of date, is replaced by another one
// (server.h). find() allocates nothing and takes no lock.

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "nsajit/launch_plan.h"
#include "nsajit/workload.h"
#include "runtime/decision.h"
#include "runtime/device.h"

namespace nsajit::runtime {

// All that a launch needs. Immutable.
struct ServedKernel {
  Workload workload;
  Decision decision;
  LaunchPlan plan;
  const Kernel* kernel = nullptr;  // owned by the server
};

class KernelTable {
 public:
  static constexpr std::size_t kMostKernels = 2048;

  KernelTable() : slots_(kSlots) { kernels_.reserve(kMostKernels); }
  // nullptr: not there (yet). Lives as long as the table.
  const ServedKernel* find(const Workload& workload) const noexcept;
  std::shared_ptr<const ServedKernel> find_shared(const Workload& workload) const;
  // Requires: one writer at a time, !is_full(), and that no kernel of this workload is there.
  void add(std::shared_ptr<const ServedKernel> kernel);
  bool is_full() const { return kernels_.size() == kMostKernels; }
  std::span<const std::shared_ptr<const ServedKernel>> kernels() const { return kernels_; }  // for the writer

 private:
  static constexpr std::size_t kSlots = 2 * kMostKernels;  // half empty: a search ends soon

  struct Slot {
    std::atomic<const ServedKernel*> kernel{nullptr};
    std::size_t hash = 0;  // written before the pointer is
  };
  std::vector<Slot> slots_;
  std::vector<std::shared_ptr<const ServedKernel>> kernels_;
};

}  // namespace nsajit::runtime
