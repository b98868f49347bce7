// The CUDA backend of a build without CUDA headers: there is none, and this says why.

#include <fmt/format.h>

#include "nsajit/error.h"
#include "runtime/bare_launch.h"
#include "runtime/cuda_device.h"

namespace nsajit::runtime {
namespace {

constexpr const char* kReason =
    "this build has no CUDA backend: the CUDA headers were not found (or NSAJIT_CUDA=OFF) when it was configured";

}  // namespace

CudaList list_cuda(const Environment&) { return {.absent_reason = kReason}; }

std::unique_ptr<Device> make_cuda_device(int ordinal, const Environment&) {
  throw Error(ErrorCode::Driver,
              fmt::format("open cuda:{}: {}; install the headers and build again, or use the cpu", ordinal, kReason));
}

std::optional<double> time_bare_launch_us(const Kernel&, const LaunchPlan&, std::span<const std::byte>, int) { return std::nullopt; }

}  // namespace nsajit::runtime
