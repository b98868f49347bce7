// Device: what holds where launches are done on return: there is nothing to wait for, and memory is the host's.

#include "runtime/device.h"

#include <chrono>
#include <cstring>

namespace nsajit::runtime {
namespace {

class PlainSequence final : public LaunchSequence {
 public:
  explicit PlainSequence(StreamWork work) : work_(std::move(work)) {}
  void launch(Stream stream) const override { work_(stream); }

 private:
  StreamWork work_;
};

}  // namespace

std::unique_ptr<OwnStream> Device::make_stream() { return nullptr; }

std::unique_ptr<StreamFork> Device::make_fork() { return nullptr; }

std::unique_ptr<LaunchSequence> Device::capture(const StreamWork& work) {
  work(nullptr);
  return std::make_unique<PlainSequence>(work);
}

bool Device::is_capturing(Stream) const { return false; }

double Device::time_work_us(const StreamWork& work) {
  const auto start = std::chrono::steady_clock::now();
  work(nullptr);
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

void Device::read(std::span<std::byte> destination, const void* source, Stream) {
  std::memcpy(destination.data(), source, destination.size());
}

}  // namespace nsajit::runtime
