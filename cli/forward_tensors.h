#pragma once
// Forward tensors: what a forward pass reads and writes, on a device, for benchmarks and tests: normal values, gates in
// (0, 1), described as the C interface takes them.

#include <cstdint>
#include <memory>
#include <vector>

#include "nsajit/forward.h"
#include "nsajit/workload.h"
#include "runtime/device.h"

namespace nsajit::cli {

class ForwardTensors {
 public:
  // Tuple and sizes of `workload`, whichever branch it names. Throws Error{InvalidArgument} for packed sequences,
  // Error{Driver} where memory is short.
  ForwardTensors(runtime::Device& device, const Workload& workload);

  // The pass over these tensors, without a workspace: scale and stream are the defaults.
  const nsajit_forward_call& call() const { return call_; }
  // Memory for the choice as ranges, for a call that is to leave it behind.
  nsajit_tensor ranges() const { return ranges_; }
  std::int64_t bytes() const;  // of all of them

 private:
  nsajit_tensor add(const std::vector<std::int64_t>& shape, int dtype);
  nsajit_tensor add_values(const std::vector<std::int64_t>& shape, int dtype);

  runtime::Device& device_;
  int dtype_;
  std::vector<std::byte> stage_;  // while tensors are filled
  std::vector<std::unique_ptr<runtime::Buffer>> buffers_;
  nsajit_tensor ranges_{};
  nsajit_forward_call call_{};
};

}  // namespace nsajit::cli
