// CudaDriver: opens libcuda, finds its functions, puts its errors into words.

#include "runtime/cuda_driver.h"

#include <fmt/format.h>

#include "core/env.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

// CUDA_ERROR_STUB_LIBRARY: what the toolkit's link-time stub answers to every call, cuGetErrorName included.
constexpr int kStubStatus = 34;

}  // namespace

std::shared_ptr<const CudaDriver> CudaDriver::open(const Environment& environment) {
  const std::string path = environment.cuda_path.value_or("libcuda.so.1");
  std::shared_ptr<CudaDriver> driver(new CudaDriver(path));
  if (!driver->library_.found())
    throw Error(ErrorCode::Driver,
                fmt::format("open {}: {}. No NVIDIA driver is visible: install one (Debian: nvidia-driver), give the "
                            "container the GPU, or name the library in NSAJIT_LIBCUDA", path, driver->library_.why()));
  driver->find_functions();
  driver->initialize();
  return driver;
}

void CudaDriver::find_functions() {
  const auto find = [this](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(library_.find_symbol(name));
    if (function == nullptr)
      throw Error(ErrorCode::Driver, fmt::format("{} has no function {}: the NVIDIA driver is too old (CUDA 11.0 or "
                                                 "newer is needed); update it", library_.path(), name));
  };
#define NSAJIT_FIND(name) find(name, #name);
  NSAJIT_CUDA_FUNCTIONS(NSAJIT_FIND)
#undef NSAJIT_FIND
  find(cuEventElapsedTime, "cuEventElapsedTime");
  const auto find_newer = [this](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(library_.find_symbol(name));
  };
  find_newer(cuFuncGetParamInfo, "cuFuncGetParamInfo");
  find_newer(cuLaunchKernelEx, "cuLaunchKernelEx");
  find_newer(cuGraphInstantiateWithFlags, "cuGraphInstantiateWithFlags");
}

void CudaDriver::initialize() {
  const CUresult status = cuInit(0);
  if (static_cast<int>(status) == kStubStatus)
    throw Error(ErrorCode::Driver, fmt::format("{} is the CUDA toolkit's stub, not a driver (cuInit answered 34): remove "
                                               "its folder from the library path, or name the driver's libcuda.so.1 in "
                                               "NSAJIT_LIBCUDA", library_.path()));
  if (status == CUDA_ERROR_NO_DEVICE)
    throw Error(ErrorCode::Driver, fmt::format("cuInit: {}: the driver is there and sees no GPU (is CUDA_VISIBLE_DEVICES "
                                               "empty?)", message(status)));
  check(status, "cuInit");
  check(cuDriverGetVersion(&version_), "cuDriverGetVersion");
}

std::string CudaDriver::message(CUresult status) const {
  const char* name = nullptr;
  const char* text = nullptr;
  if (cuGetErrorName(status, &name) != CUDA_SUCCESS || name == nullptr)
    return fmt::format("CUDA error {}", static_cast<int>(status));
  if (cuGetErrorString(status, &text) != CUDA_SUCCESS || text == nullptr) return name;
  return fmt::format("{} ({})", name, text);
}

void CudaDriver::fail(CUresult status, std::string_view attempt) const {
  throw Error(ErrorCode::Driver, fmt::format("{}: {}", attempt, message(status)));
}

std::string cuda_version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

}  // namespace nsajit::runtime
