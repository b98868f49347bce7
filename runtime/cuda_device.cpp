// CudaDevice: buffers, copies, timing and cache flushes on one GPU, all on the default stream.

#include "runtime/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/cuda_clocks.h"
#include "runtime/cuda_context.h"
#include "runtime/cuda_kernel.h"
#include "runtime/cuda_streams.h"

namespace nsajit::runtime {
namespace {

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(std::shared_ptr<const CudaContext> context, std::int64_t bytes) : context_(std::move(context)), bytes_(bytes) {
    const CudaDriver& driver = context_->enter();
    // The driver refuses 0 bytes; an empty buffer still needs an address.
    const CUresult status = driver.cuMemAlloc_v2(&address_, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)));
    if (status == CUDA_ERROR_OUT_OF_MEMORY) fail_memory(driver, status);
    driver.check(status, fmt::format("allocate {} bytes on {}", bytes, context_->target().name));
  }
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;
  ~CudaBuffer() override {
    const CudaDriver* driver = context_->try_enter();
    const CUresult status = driver != nullptr ? driver->cuMemFree_v2(address_) : CUDA_SUCCESS;
    if (status != CUDA_SUCCESS) log_debug(fmt::format("free {} bytes: {}", bytes_, driver->message(status)));
  }
  void* address() const override { return reinterpret_cast<void*>(address_); }
  std::int64_t bytes() const override { return bytes_; }

 private:
  [[noreturn]] void fail_memory(const CudaDriver& driver, CUresult status) const {
    std::size_t free_bytes = 0, total_bytes = 0;
    driver.cuMemGetInfo_v2(&free_bytes, &total_bytes);
    throw Error(ErrorCode::Driver, fmt::format("allocate {} bytes on {}: out of memory, {} of {} bytes are free: {}", bytes_,
                                               context_->target().name, free_bytes, total_bytes, driver.message(status)));
  }

  std::shared_ptr<const CudaContext> context_;
  CUdeviceptr address_ = 0;
  std::int64_t bytes_;
};

CUdeviceptr device_pointer(const Buffer& buffer) { return reinterpret_cast<CUdeviceptr>(buffer.address()); }

void check_range(std::string_view attempt, std::int64_t offset, std::size_t bytes, const Buffer& buffer) {
  if (offset >= 0 && offset + static_cast<std::int64_t>(bytes) <= buffer.bytes()) return;
  throw Error(ErrorCode::InvalidArgument, fmt::format("{} {} bytes at offset {} of a buffer of {} bytes", attempt, bytes, offset,
                                                      buffer.bytes()));
}

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(const std::shared_ptr<const CudaContext>& context)
      : context_(context), clocks_(context->pci_bus_id()), start_(context, CudaEvent::Use::Timing), stop_(context, CudaEvent::Use::Timing) {}

  const Target& target() const override { return context_->target(); }

  std::unique_ptr<Buffer> allocate(std::int64_t bytes) override {
    if (bytes < 0) throw Error(ErrorCode::InvalidArgument, fmt::format("allocate {} bytes", bytes));
    return std::make_unique<CudaBuffer>(context_, bytes);
  }

  void copy_in(Buffer& destination, std::span<const std::byte> source) override {
    check_range("copy in", 0, source.size(), destination);
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuMemcpyHtoD_v2(device_pointer(destination), source.data(), source.size()),
                 fmt::format("copy {} bytes to {}", source.size(), target().name));
  }

  void copy_out(std::span<std::byte> destination, const Buffer& source, std::int64_t offset) override {
    check_range("copy out", offset, destination.size(), source);
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuMemcpyDtoH_v2(destination.data(), device_pointer(source) + static_cast<CUdeviceptr>(offset), destination.size()),
                 fmt::format("copy {} bytes from {}", destination.size(), target().name));
  }

  void fill(Buffer& destination, std::byte value) override {
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuMemsetD8_v2(device_pointer(destination), std::to_integer<unsigned char>(value),
                                      static_cast<std::size_t>(destination.bytes())),
                 fmt::format("fill {} bytes on {}", destination.bytes(), target().name));
  }

  std::unique_ptr<Kernel> load(const codegen::Binary& binary) override { return load_cuda_kernel(context_, binary); }

  // 1.25 of the cache and no more: a longer flush would spend the tuning time of small kernels on itself.
  void flush_cache() override {
    if (!flush_) flush_ = allocate(target().l2_bytes + target().l2_bytes / 4);
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuMemsetD8Async(device_pointer(*flush_), ++flush_value_, static_cast<std::size_t>(flush_->bytes()), nullptr),
                 "flush the L2 cache");
  }

  // After flush_cache() the GPU is busy while the host queues all of this behind it, so the time between the
  // events holds no host overhead.
  double time_us(const Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args) override {
    return time_work_us([&](Stream stream) { kernel.launch(plan, args, stream); });
  }

  double time_work_us(const StreamWork& work) override {
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuEventRecord(start_.get(), nullptr), "record the start event");
    work(nullptr);
    context_->enter();
    driver.check(driver.cuEventRecord(stop_.get(), nullptr), "record the stop event");
    driver.check(driver.cuEventSynchronize(stop_.get()), "wait for the kernel");
    float milliseconds = 0;
    driver.check(driver.cuEventElapsedTime(&milliseconds, start_.get(), stop_.get()), "read the time between events");
    return static_cast<double>(milliseconds) * 1e3;
  }

  void synchronize() override {
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuCtxSynchronize(), fmt::format("synchronize {}", target().name));
  }

  ClockReading clocks() const override { return clocks_.read(); }

  std::unique_ptr<OwnStream> make_stream() override { return make_cuda_stream(context_); }
  std::unique_ptr<StreamFork> make_fork() override { return make_cuda_fork(context_); }
  std::unique_ptr<LaunchSequence> capture(const StreamWork& work) override { return capture_cuda_graph(context_, work); }

  bool is_capturing(Stream stream) const override {
    // The default stream cannot be captured, and a question about it would disturb a capture elsewhere.
    if (stream == nullptr) return false;
    const CudaContext::Visit visit(*context_);
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    visit.driver().check(visit.driver().cuStreamIsCapturing(static_cast<CUstream>(stream), &status), "ask whether a stream is captured");
    return status != CU_STREAM_CAPTURE_STATUS_NONE;
  }

  void read(std::span<std::byte> destination, const void* source, Stream stream) override {
    const CudaContext::Visit visit(*context_);
    const CudaDriver& driver = visit.driver();
    driver.check(driver.cuStreamSynchronize(static_cast<CUstream>(stream)), fmt::format("wait for a stream of {}", target().name));
    driver.check(driver.cuMemcpyDtoH_v2(destination.data(), reinterpret_cast<CUdeviceptr>(source), destination.size()),
                 fmt::format("copy {} bytes from {}", destination.size(), target().name));
  }

 private:
  std::shared_ptr<const CudaContext> context_;
  CudaClocks clocks_;
  CudaEvent start_, stop_;
  std::unique_ptr<Buffer> flush_;
  unsigned char flush_value_ = 0;
};

}  // namespace

CudaList list_cuda(const Environment& environment) {
  CudaList list;
  try {
    const auto driver = CudaDriver::open(environment);
    for (int ordinal = 0; ordinal < count_gpus(*driver); ++ordinal) list.targets.push_back(read_target(*driver, ordinal));
  } catch (const Error& error) {
    list.absent_reason = error.what();
    return list;
  }
  if (list.targets.empty()) list.absent_reason = "the driver is there and shows no GPU (is CUDA_VISIBLE_DEVICES empty?)";
  return list;
}

std::unique_ptr<Device> make_cuda_device(int ordinal, const Environment& environment) {
  return std::make_unique<CudaDevice>(std::make_shared<CudaContext>(CudaDriver::open(environment), ordinal));
}

}  // namespace nsajit::runtime
