#pragma once
// HostDevice: host memory behind the Device interface, running kernels that are plain functions and answering
// times from a function. For tests that need their own kernels or their own clock.

#include <cstring>
#include <functional>
#include <utility>

#include "nsajit/error.h"
#include "runtime/device.h"
#include "tests/support/fake_device.h"

namespace nsajit::testing {

class HostKernel final : public runtime::Kernel {
 public:
  using Body = std::function<void(std::span<const std::byte> args)>;
  explicit HostKernel(Body body) : body_(std::move(body)) {}
  void launch(const LaunchPlan&, std::span<const std::byte> args, runtime::Stream) const override { body_(args); }

 private:
  Body body_;
};

class HostDevice final : public runtime::Device {
 public:
  std::function<double(const runtime::Kernel&)> clock = [](const runtime::Kernel&) { return 1.0; };
  int flushes = 0;
  int allocations = 0;
  Target facts = fake_target();

  const Target& target() const override { return facts; }
  std::unique_ptr<runtime::Buffer> allocate(std::int64_t bytes) override {
    ++allocations;
    return std::make_unique<FakeBuffer>(bytes);
  }
  void copy_in(runtime::Buffer& destination, std::span<const std::byte> source) override {
    std::memcpy(destination.address(), source.data(), source.size());
  }
  void copy_out(std::span<std::byte> destination, const runtime::Buffer& source, std::int64_t offset) override {
    std::memcpy(destination.data(), static_cast<const std::byte*>(source.address()) + offset, destination.size());
  }
  void fill(runtime::Buffer& destination, std::byte value) override {
    std::memset(destination.address(), std::to_integer<int>(value), static_cast<std::size_t>(destination.bytes()));
  }
  std::unique_ptr<runtime::Kernel> load(const codegen::Binary&) override {
    throw Error(ErrorCode::Unsupported, "a HostDevice is given its kernels");
  }
  void flush_cache() override { ++flushes; }
  double time_us(const runtime::Kernel& kernel, const LaunchPlan&, std::span<const std::byte>) override { return clock(kernel); }
  void synchronize() override {}
  runtime::ClockReading clocks() const override { return {.sm_mhz = 1500, .memory_mhz = 2600}; }
};

}  // namespace nsajit::testing
