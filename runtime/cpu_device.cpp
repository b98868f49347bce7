// CpuDevice: host memory and a thread pool behind the same interface as a GPU.

#include "runtime/cpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "codegen/host_cpu.h"
#include "core/env.h"
#include "nsajit/error.h"
#include "runtime/cpu_kernel.h"
#include "runtime/host_facts.h"
#include "runtime/thread_pool.h"

namespace nsajit::runtime {
namespace {

constexpr std::align_val_t kAlignment{256};

class CpuBuffer final : public Buffer {
 public:
  explicit CpuBuffer(std::int64_t bytes)
      : bytes_(bytes), address_(::operator new(static_cast<std::size_t>(bytes), kAlignment)) {}
  CpuBuffer(const CpuBuffer&) = delete;
  CpuBuffer& operator=(const CpuBuffer&) = delete;
  ~CpuBuffer() override { ::operator delete(address_, kAlignment); }
  void* address() const override { return address_; }
  std::int64_t bytes() const override { return bytes_; }

 private:
  std::int64_t bytes_;
  void* address_;
};

void check_range(std::string_view attempt, std::int64_t offset, std::size_t bytes, const Buffer& buffer) {
  if (offset >= 0 && offset + static_cast<std::int64_t>(bytes) <= buffer.bytes()) return;
  throw Error(ErrorCode::InvalidArgument, fmt::format("{} {} bytes at offset {} of a buffer of {} bytes", attempt, bytes, offset,
                                                      buffer.bytes()));
}

// 1.25 of the last level, as on a GPU, and enough to sweep each core's own cache too. Capped: a virtual machine
// reports the whole host's last level (480 MiB on a 2-core one), of which its cores hold a sliver, and writing all
// of it would take longer than the kernels.
std::int64_t flush_bytes(const HostFacts& facts, int threads) {
  constexpr std::int64_t kLargest = std::int64_t{64} << 20;
  constexpr std::int64_t kUnknown = std::int64_t{32} << 20;
  const std::int64_t shared = facts.last_level_bytes > 0 ? std::min(facts.last_level_bytes, kLargest) : kUnknown;
  const std::int64_t own = facts.private_bytes * threads;
  const std::int64_t largest = std::max(shared, own);
  return largest + largest / 4;
}

class CpuDevice final : public Device {
 public:
  CpuDevice(Target target, const HostFacts& facts)
      : target_(std::move(target)), pool_(std::make_shared<ThreadPool>(target_.processors)),
        flush_bytes_(flush_bytes(facts, target_.processors)) {}

  const Target& target() const override { return target_; }

  // The kernel promises memory that it does not have and ends the process at the first touch, so what cannot fit is
  // refused here.
  std::unique_ptr<Buffer> allocate(std::int64_t bytes) override {
    if (bytes < 0) throw Error(ErrorCode::InvalidArgument, fmt::format("allocate {} bytes", bytes));
    const std::int64_t available = available_memory_bytes();
    if (available > 0 && bytes > available) refuse_memory(bytes, available);
    try {
      return std::make_unique<CpuBuffer>(bytes);
    } catch (const std::bad_alloc&) {
      refuse_memory(bytes, available);
    }
  }

  void copy_in(Buffer& destination, std::span<const std::byte> source) override {
    check_range("copy in", 0, source.size(), destination);
    std::copy(source.begin(), source.end(), static_cast<std::byte*>(destination.address()));
  }

  void copy_out(std::span<std::byte> destination, const Buffer& source, std::int64_t offset) override {
    check_range("copy out", offset, destination.size(), source);
    const auto* begin = static_cast<const std::byte*>(source.address()) + offset;
    std::copy(begin, begin + destination.size(), destination.begin());
  }

  void fill(Buffer& destination, std::byte value) override {
    std::memset(destination.address(), std::to_integer<int>(value), static_cast<std::size_t>(destination.bytes()));
  }

  std::unique_ptr<Kernel> load(const codegen::Binary& binary) override { return load_cpu_kernel(pool_, binary); }

  void flush_cache() override {
    if (!flush_) flush_ = allocate(flush_bytes_);
    ++flush_value_;
    constexpr std::int64_t kPiece = 256 << 10;
    auto* const base = static_cast<std::byte*>(flush_->address());
    const std::int64_t total = flush_->bytes();
    pool_->run((total + kPiece - 1) / kPiece, [&](std::int64_t piece, void*) {
      const std::int64_t begin = piece * kPiece;
      // One write a line: read for ownership, so the line comes in and another goes out. memset may
      // choose stores that bypass the cache.
      for (std::int64_t at = begin; at < std::min(begin + kPiece, total); at += 64)
        *reinterpret_cast<volatile std::byte*>(base + at) = std::byte{flush_value_};
    });
  }

  double time_us(const Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args) override {
    return time_work_us([&](Stream stream) { kernel.launch(plan, args, stream); });
  }

  void synchronize() override {}   // launch() returns when the work is done
  ClockReading clocks() const override { return {}; }

 private:
  [[noreturn]] static void refuse_memory(std::int64_t bytes, std::int64_t available) {
    throw Error(ErrorCode::Driver, fmt::format("allocate {} bytes on the CPU: out of memory, {} bytes are available", bytes, available));
  }

  Target target_;
  std::shared_ptr<ThreadPool> pool_;
  std::int64_t flush_bytes_;
  std::unique_ptr<Buffer> flush_;
  unsigned char flush_value_ = 0;
};

Target make_target(const HostFacts& facts, const Environment& environment) {
  return Target{.backend = Backend::Cpu,
                .name = facts.cpu_name,
                .features = codegen::host_cpu_features(),
                .processors = environment.cpu_threads > 0 ? environment.cpu_threads : facts.threads,
                .smem_bytes = ThreadPool::kScratchBytes,
                .l2_bytes = facts.last_level_bytes,
                .memory_bytes = facts.memory_bytes};
}

}  // namespace

Target read_cpu_target(const Environment& environment) { return make_target(read_host_facts(), environment); }

std::unique_ptr<Device> make_cpu_device(const Environment& environment) {
  const HostFacts facts = read_host_facts();
  return std::make_unique<CpuDevice>(make_target(facts, environment), facts);
}

}  // namespace nsajit::runtime
