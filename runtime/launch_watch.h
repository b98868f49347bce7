#pragma once
// LaunchWatch: what NSA_DEBUG_TIMING, NSA_DEBUG_COMPARE and NSA_STRICT_ASSERTS ask of every launch. There is none where none
// of them is set, so that a launch pays for them with one look at a pointer. It waits for the device, allocates and formats
// as it likes; launches that are being captured in a graph go through untouched. Not thread-safe.

#include <functional>
#include <memory>
#include <span>

#include "core/toggles.h"
#include "runtime/device.h"
#include "runtime/kernel_table.h"
#include "runtime/limited_log.h"

namespace nsajit::runtime {

class LaunchWatch {
 public:
  // Packed SDPA of a workload, whatever serves it.
  using BindBaseline = std::function<std::shared_ptr<const ServedKernel>(const Workload&)>;

  // nullptr: nothing is asked for.
  static std::unique_ptr<LaunchWatch> make(const Toggles& toggles, Device& device, BindBaseline bind_baseline);

  // Launches, and is done when it returns. Throws what the launch throws, and under NSA_STRICT_ASSERTS
  // Error{InvalidArgument} for a selection that no row may have.
  void launch(const ServedKernel& served, std::span<const std::byte> args, Stream stream);

 private:
  LaunchWatch(const Toggles& toggles, Device& device, BindBaseline bind_baseline)
      : toggles_(toggles), device_(device), bind_baseline_(std::move(bind_baseline)), log_(toggles.log_limit) {}

  void check_before(const ServedKernel& served, std::span<const std::byte> args, Stream stream);
  void check_after(const ServedKernel& served, std::span<const std::byte> args, Stream stream);
  void time_steps(const ServedKernel& served, std::span<const std::byte> args);
  void compare(const ServedKernel& served, std::span<const std::byte> args);

  Toggles toggles_;
  Device& device_;
  BindBaseline bind_baseline_;
  LimitedLog log_;
};

}  // namespace nsajit::runtime
