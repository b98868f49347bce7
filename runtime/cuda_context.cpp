// CudaContext: retains a GPU's primary context (shared with the CUDA runtime, so with torch) and reads its facts.

#include "runtime/cuda_context.h"

#include <fmt/format.h>

#include <array>

#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

CUdevice find_device(const CudaDriver& driver, int ordinal) {
  const int count = count_gpus(driver);
  if (ordinal < 0 || ordinal >= count)
    throw Error(ErrorCode::Driver, fmt::format("open cuda:{}: this machine shows {} GPU{} (cuda:0 is the first; "
                                               "CUDA_VISIBLE_DEVICES hides others)", ordinal, count, count == 1 ? "" : "s"));
  CUdevice device = 0;
  driver.check(driver.cuDeviceGet(&device, ordinal), fmt::format("cuDeviceGet {}", ordinal));
  return device;
}

}  // namespace

int count_gpus(const CudaDriver& driver) {
  int count = 0;
  driver.check(driver.cuDeviceGetCount(&count), "cuDeviceGetCount");
  return count;
}

Target read_target(const CudaDriver& driver, int ordinal) {
  const CUdevice device = find_device(driver, ordinal);
  const auto read = [&](CUdevice_attribute attribute) {
    int value = 0;
    driver.check(driver.cuDeviceGetAttribute(&value, attribute, device),
                 fmt::format("read attribute {} of cuda:{}", static_cast<int>(attribute), ordinal));
    return value;
  };
  std::array<char, 256> name{};
  driver.check(driver.cuDeviceGetName(name.data(), static_cast<int>(name.size()) - 1, device), "cuDeviceGetName");
  std::size_t memory = 0;
  driver.check(driver.cuDeviceTotalMem_v2(&memory, device), "cuDeviceTotalMem");
  return Target{
      .backend = Backend::Cuda,
      .name = name.data(),
      .arch = 10 * read(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + read(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
      .processors = read(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
      .smem_bytes = read(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
      .smem_sm_bytes = read(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
      .registers_sm = read(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR),
      .l2_bytes = read(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
      .memory_bytes = static_cast<std::int64_t>(memory),
      .driver_version = driver.version(),
  };
}

CudaContext::CudaContext(std::shared_ptr<const CudaDriver> driver, int ordinal)
    : driver_(std::move(driver)), device_(find_device(*driver_, ordinal)), target_(read_target(*driver_, ordinal)) {
  std::array<char, 64> bus{};
  if (driver_->cuDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()) - 1, device_) == CUDA_SUCCESS)
    pci_bus_id_ = bus.data();
  driver_->check(driver_->cuDevicePrimaryCtxRetain(&context_, device_),
                 fmt::format("create a context on cuda:{} ({})", ordinal, target_.name));
}

CudaContext::~CudaContext() {
  const CUresult status = driver_->cuDevicePrimaryCtxRelease_v2(device_);
  if (status != CUDA_SUCCESS) log_debug(fmt::format("release the context of {}: {}", target_.name, driver_->message(status)));
}

}  // namespace nsajit::runtime
