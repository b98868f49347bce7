#pragma once
// CudaClocks: the SM and memory clock of one GPU through NVML, opened at run time. Where NVML is missing every
// reading is 0, "not known": clocks are recorded beside times, nothing depends on them.

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
  std::unique_ptr<Nvml> nvml_;   // nullptr: not available
};

}  // namespace nsajit::runtime
