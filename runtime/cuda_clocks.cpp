// CudaClocks: six functions of NVML. Declared here because nvml.h is packaged apart from cuda.h.

#include "runtime/cuda_clocks.h"

#include "core/log.h"
#include "runtime/shared_library.h"

namespace nsajit::runtime {
namespace {

constexpr int kClockSm = 1;      // NVML_CLOCK_SM
constexpr int kClockMemory = 2;  // NVML_CLOCK_MEM

}  // namespace

struct CudaClocks::Nvml {
  SharedLibrary library{"libnvidia-ml.so.1"};
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*handle_by_bus)(const char*, void**) = nullptr;
  int (*clock_info)(void*, int, unsigned*) = nullptr;
  int (*event_reasons)(void*, unsigned long long*) = nullptr;  // optional: clocks are read without it
  void* handle = nullptr;
  bool initialized = false;

  bool open(const std::string& pci_bus_id) {
    const auto find = [this](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(library.find_symbol(name));
      return function != nullptr;
    };
    if (!find(init, "nvmlInit_v2") || !find(shutdown, "nvmlShutdown") ||
        !find(handle_by_bus, "nvmlDeviceGetHandleByPciBusId_v2") || !find(clock_info, "nvmlDeviceGetClockInfo"))
      return false;
    if (!find(event_reasons, "nvmlDeviceGetCurrentClocksEventReasons"))  // the name since driver 535
      find(event_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    initialized = init() == 0;
    return initialized && handle_by_bus(pci_bus_id.c_str(), &handle) == 0;
  }

  ~Nvml() {
    if (initialized) shutdown();
  }
};

CudaClocks::CudaClocks(const std::string& pci_bus_id) : nvml_(std::make_unique<Nvml>()) {
  if (nvml_->open(pci_bus_id)) return;
  log_debug("NVML (libnvidia-ml.so.1) is not available: clocks are recorded as 0");
  nvml_.reset();
}

CudaClocks::~CudaClocks() = default;

ClockReading CudaClocks::read() const {
  if (!nvml_) return {};
  const auto clock = [this](int kind) {
    unsigned mhz = 0;
    return nvml_->clock_info(nvml_->handle, kind, &mhz) == 0 ? static_cast<int>(mhz) : 0;
  };
  unsigned long long reasons = 0;
  const bool known = nvml_->event_reasons != nullptr && nvml_->event_reasons(nvml_->handle, &reasons) == 0;
  return {.sm_mhz = clock(kClockSm),
          .memory_mhz = clock(kClockMemory),
          .limited_by = known ? std::optional<std::uint64_t>(reasons) : std::nullopt};
}

}  // namespace nsajit::runtime
