// make_device: from a word of the user to a device.

#include <fmt/format.h>

#include <charconv>

#include "nsajit/error.h"
#include "runtime/cpu_device.h"
#include "runtime/cuda_device.h"
#include "runtime/device.h"

namespace nsajit::runtime {
namespace {

constexpr std::string_view kCudaPrefix = "cuda:";

[[noreturn]] void refuse(const std::string& name) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("unknown device '{}': use auto, cpu, cuda or cuda:N", name));
}

int parse_ordinal(const std::string& name) {
  const char* const begin = name.data() + kCudaPrefix.size();
  const char* const end = name.data() + name.size();
  int ordinal = 0;
  const auto [rest, error] = std::from_chars(begin, end, ordinal);
  if (error != std::errc{} || rest != end || ordinal < 0) refuse(name);
  return ordinal;
}

}  // namespace

std::unique_ptr<Device> make_device(const std::string& name, const Environment& environment) {
  if (name == "cpu") return make_cpu_device(environment);
  if (name == "cuda") return make_cuda_device(0, environment);
  if (name.starts_with(kCudaPrefix)) return make_cuda_device(parse_ordinal(name), environment);
  if (name != "auto") refuse(name);
  // A GPU that is there and fails is an error, not a reason to compute elsewhere in silence.
  return list_cuda(environment).targets.empty() ? make_cpu_device(environment) : make_cuda_device(0, environment);
}

DeviceList list_devices(const Environment& environment) {
  CudaList cuda = list_cuda(environment);
  return {.cuda = std::move(cuda.targets), .cuda_absent_reason = std::move(cuda.absent_reason), .cpu = read_cpu_target(environment)};
}

}  // namespace nsajit::runtime
