#pragma once
// CudaClocks: the SM and memory clock of one GPU, and what holds them down, through NVML, opened at run time. Where it is missing
// every reading is "not known": clocks are recorded beside times, no result depends on them.

#include <memory>
#include <string>

#include "runtime/device.h"

namespace nsajit::runtime {

class CudaClocks {
 public:
  explicit CudaClocks(const std::string& pci_bus_id);
  ~CudaClocks();
  ClockReading read() const;

 private:
  struct Nvml;
  std::unique_ptr<Nvml> nvml_;  // nullptr: not available
};

}  // namespace nsajit::runtime
