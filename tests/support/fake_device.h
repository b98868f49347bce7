#pragma once
// FakeDevice: runs the "binaries" of FakeCompiler on the host, with the fault that their config asks for, and
// answers time_us from a model instead of a clock, so that tuning is deterministic. Counts what it was asked.

#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <sstream>
#include <thread>

#include "nsajit/config.h"
#include "nsajit/error.h"
#include "runtime/device.h"
#include "tests/support/fake_op.h"

namespace nsajit::testing {

inline Target fake_target() {
  return Target{.backend = Backend::Cpu, .name = "Fake 9000", .features = "+fake", .processors = 4,
                .smem_bytes = 1 << 16, .l2_bytes = 1 << 20, .memory_bytes = 1 << 30};
}

// Rises with rows and with selected tokens. The tuned variant costs more to start and less per token, so it wins on
// long rows; tile 32 and stages 2 are best.
inline double fake_time_us(const Config& config, const LaunchPlan& plan) {
  const LaunchStep& step = plan.steps.front();
  const double tokens = static_cast<double>(step.grid[0]) * step.block[0] * step.smem_bytes;
  if (config.variant == "packed_sdpa") return 10 + tokens * 4e-4;
  const double tile = config.at("tile") == 32 ? 1.0 : 1.3;
  const double stages = config.at("stages") == 2 ? 1.0 : 1.1;
  return 30 + tokens * 1e-4 * tile * stages;
}

class FakeBuffer final : public runtime::Buffer {
 public:
  explicit FakeBuffer(std::int64_t bytes)
      : bytes_(bytes), data_(::operator new(static_cast<std::size_t>(bytes), std::align_val_t{256})) {}
  FakeBuffer(const FakeBuffer&) = delete;
  FakeBuffer& operator=(const FakeBuffer&) = delete;
  ~FakeBuffer() override { ::operator delete(data_, std::align_val_t{256}); }
  void* address() const override { return data_; }
  std::int64_t bytes() const override { return bytes_; }

 private:
  std::int64_t bytes_;
  void* data_;
};

struct FakeState {   // shared by the device and its kernels
  int loads = 0, launches = 0, flushes = 0;
  bool sticky_fault = false;
};

class FakeKernel final : public runtime::Kernel {
 public:
  FakeKernel(Config config, std::shared_ptr<FakeState> state) : config_(std::move(config)), state_(std::move(state)) {}
  const Config& config() const { return config_; }

  void launch(const LaunchPlan&, std::span<const std::byte> bytes, runtime::Stream) const override {
    ++state_->launches;
    FakeArgs args;
    std::memcpy(&args, bytes.data(), sizeof args);
    const auto fault = static_cast<Fault>(config_.at("fault"));
    if (fault == Fault::IllegalAccess) state_->sticky_fault = true;
    if (fault == Fault::LaunchRefused) throw Error(ErrorCode::Driver, "launch fake: CUDA_ERROR_INVALID_VALUE");
    if (fault == Fault::OutOfMemory) throw Error(ErrorCode::Driver, "launch fake: out of memory (CUDA_ERROR_OUT_OF_MEMORY)");
    if (fault == Fault::Hang) std::this_thread::sleep_for(std::chrono::minutes(10));
    if (fault == Fault::Crash) std::_Exit(139);
    if (fault == Fault::Stale) return;
    for (std::int64_t row = 0; row < args.B * args.G; ++row) run(args, row / args.G, row % args.G, fault);
    const std::int64_t end = args.B * args.S * args.G * kFakeWidth;
    if (fault == Fault::NanRow) args.o[end / 2] = std::numeric_limits<float>::quiet_NaN();
    if (fault == Fault::WritesPastEnd) args.o[end] = 1.0f;
    if (fault == Fault::WritesInput) args.q[0] += 1.0f;
    if (fault == Fault::Unsteady) args.o[0] += static_cast<float>(state_->launches % 2) * 1e-5f;
  }

 private:
  static void run(const FakeArgs& args, std::int64_t b, std::int64_t g, Fault fault) {
    for (std::int64_t j = 0; j < kFakeWidth; ++j) {
      float sum = 0;
      for (std::int64_t s = 0; s < args.S; ++s) {
        const auto at = [&](std::int64_t t) { return ((b * args.S + t) * args.G + g) * kFakeWidth + j; };
        const float own = args.q[at(s)];
        const float next = s + 1 < args.S ? args.q[at(s + 1)] : 0;
        const bool skip = fault == Fault::LastRowMissing && s + 1 == args.S;
        sum += own;
        if (!skip) args.o[at(s)] = fault == Fault::OffByOne ? sum - own : fault == Fault::LooksAhead ? sum + next : sum;
      }
    }
  }

  Config config_;
  std::shared_ptr<FakeState> state_;
};

class FakeDevice final : public runtime::Device {
 public:
  std::function<double(const Config&, const LaunchPlan&)> model = fake_time_us;
  std::shared_ptr<FakeState> state = std::make_shared<FakeState>();
  Target facts = fake_target();

  const Target& target() const override { return facts; }
  std::unique_ptr<runtime::Buffer> allocate(std::int64_t bytes) override { return std::make_unique<FakeBuffer>(bytes); }
  void copy_in(runtime::Buffer& destination, std::span<const std::byte> source) override {
    std::memcpy(destination.address(), source.data(), source.size());
  }
  void copy_out(std::span<std::byte> destination, const runtime::Buffer& source, std::int64_t offset) override {
    std::memcpy(destination.data(), static_cast<const std::byte*>(source.address()) + offset, destination.size());
  }
  void fill(runtime::Buffer& destination, std::byte value) override {
    std::memset(destination.address(), std::to_integer<int>(value), static_cast<std::size_t>(destination.bytes()));
  }
  std::unique_ptr<runtime::Kernel> load(const codegen::Binary& binary) override {
    ++state->loads;
    return std::make_unique<FakeKernel>(parse(binary), state);
  }
  void flush_cache() override { ++state->flushes; }
  double time_us(const runtime::Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args) override {
    kernel.launch(plan, args, nullptr);
    return model(static_cast<const FakeKernel&>(kernel).config(), plan);
  }
  void synchronize() override {
    if (state->sticky_fault) throw Error(ErrorCode::Driver, "synchronize: CUDA_ERROR_ILLEGAL_ADDRESS (fake)");
  }
  runtime::ClockReading clocks() const override { return {.sm_mhz = 1000, .memory_mhz = 2000}; }

 private:
  static Config parse(const codegen::Binary& binary) {
    std::istringstream text(std::string(reinterpret_cast<const char*>(binary.code.data()), binary.code.size()));
    Config config;
    std::string line;
    std::getline(text, line);
    config.variant = line.substr(std::strlen("fake_"));
    while (std::getline(text, line)) {
      const auto equals = line.find('=');
      const std::string name = line.substr(0, equals);
      if (name == "fault" || name == "stages" || name == "tile") config.values[name] = std::stoi(line.substr(equals + 1));
    }
    return config;
  }
};

}  // namespace nsajit::testing
