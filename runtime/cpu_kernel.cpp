// CpuKernel: a step's grid becomes tasks, a task becomes one call of the entry over block[0] rows.

#include "runtime/cpu_kernel.h"

#include <fmt/format.h>

#include "nsajit/error.h"
#include "runtime/orc_loader.h"

namespace nsajit::runtime {
namespace {

class CpuKernel final : public Kernel {
 public:
  CpuKernel(std::shared_ptr<ThreadPool> pool, std::unique_ptr<LoadedObject> object, std::vector<CpuEntry> entries)
      : pool_(std::move(pool)), object_(std::move(object)), entries_(std::move(entries)) {}

  void launch(const LaunchPlan& plan, std::span<const std::byte> args, Stream) const override {
    for (const LaunchStep& step : plan.steps) {
      check_step(step);
      const CpuEntry entry = entries_[static_cast<std::size_t>(step.entry)];
      const std::int64_t rows = step.block[0];
      pool_->run(step.grid[0], [&](std::int64_t task, void* scratch) {
        const std::int64_t begin = step.first_row + task * rows;
        entry(args.data(), begin, begin + rows, scratch);
      });
    }
  }

 private:
  void check_step(const LaunchStep& step) const {
    if (step.entry < 0 || static_cast<std::size_t>(step.entry) >= entries_.size())
      throw Error(ErrorCode::InvalidArgument, fmt::format("launch entry {} of a kernel with {} entries: the plan is another "
                                                          "kernel's", step.entry, entries_.size()));
    if (step.smem_bytes > ThreadPool::kScratchBytes)
      throw Error(ErrorCode::Driver, fmt::format("launch with {} bytes of scratch per thread: the CPU device gives at most {}",
                                                 step.smem_bytes, ThreadPool::kScratchBytes));
    if (step.grid[1] != 1 || step.grid[2] != 1 || step.grid[0] > ThreadPool::kMaxTasks)
      throw Error(ErrorCode::InvalidArgument, fmt::format("launch a grid of {}x{}x{} on the CPU: it takes tasks in one dimension",
                                                          step.grid[0], step.grid[1], step.grid[2]));
  }

  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<LoadedObject> object_;
  std::vector<CpuEntry> entries_;
};

}  // namespace

std::unique_ptr<Kernel> load_cpu_kernel(std::shared_ptr<ThreadPool> pool, const codegen::Binary& binary) {
  if (binary.backend != Backend::Cpu)
    throw Error(ErrorCode::InvalidArgument, fmt::format("load a {} binary on the CPU: it takes objects of the LLVM compiler",
                                                        to_string(binary.backend)));
  if (binary.arch != "host")
    throw Error(ErrorCode::Driver, fmt::format("load a CPU object for '{}': only code compiled for this host ('host') runs here",
                                               binary.arch));
  auto object = std::make_unique<LoadedObject>(binary.code);
  std::vector<CpuEntry> entries;
  for (const std::string& name : binary.entries) entries.push_back(reinterpret_cast<CpuEntry>(object->find_function(name)));
  return std::make_unique<CpuKernel>(std::move(pool), std::move(object), std::move(entries));
}

}  // namespace nsajit::runtime
