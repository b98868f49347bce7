#pragma once
// PreparedCase: one parity case made ready once and then used for every candidate of a workload: inputs,
// reference and the inputs with a changed future.

#include <cstdint>
#include <memory>
#include <vector>

#include "nsajit/op.h"
#include "runtime/device.h"
#include "tuner/guarded_buffer.h"
#include "tuner/parity_compare.h"

namespace nsajit::tuner {

struct ChangedFuture {
  std::int64_t position = 0;  // tokens after it were changed
  std::vector<HostTensor> inputs;
};

struct PreparedCase {
  ParityCase spec;
  std::vector<TensorSpec> tensors;  // of a launch, in its order
  std::vector<HostTensor> inputs;   // in the order in which `tensors` names them
  Reference reference;
  std::vector<OutputExpectation> expectations;  // one per output, in order; views into `reference`
  std::vector<ChangedFuture> futures;
  std::vector<std::unique_ptr<GuardedBuffer>> resident;  // inputs on the device; empty: uploaded per check
  bool keep_resident = false;

  std::int64_t input_bytes() const;
};

// Runs the reference on the host: seconds for a large case.
std::unique_ptr<PreparedCase> prepare_case(const Op& op, const ParityCase& parity_case);

// Requires: one entry of `inputs` per tensor that is not an output, in order.
std::vector<std::unique_ptr<GuardedBuffer>> upload_inputs(runtime::Device& device, std::span<const HostTensor> inputs);

}  // namespace nsajit::tuner
