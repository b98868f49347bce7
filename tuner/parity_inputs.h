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

using Buffers = std::vector<std::unique_ptr<GuardedBuffer>>;

struct ChangedFuture {
  std::int64_t position = 0;  // tokens after it were changed
  std::vector<HostTensor> inputs;
  Buffers resident;  // as PreparedCase's
};

struct PreparedCase {
  ParityCase spec;
  std::vector<TensorSpec> tensors;  // of a launch, in its order
  std::vector<HostTensor> inputs;   // in the order in which `tensors` names them
  Reference reference;
  std::vector<OutputExpectation> expectations;  // one per output, in order; views into `reference`
  std::vector<ChangedFuture> futures;
  // What every candidate needs alike, kept on the device between checks where `keep_resident`. Empty: made anew, as after
  // a candidate that failed and may have written anywhere.
  Buffers resident;  // inputs
  Buffers outputs;
  bool keep_resident = false;

  std::int64_t input_bytes() const;
  std::int64_t device_bytes() const;  // of all that is kept
};

// Runs the reference on the host: seconds for a large case.
std::unique_ptr<PreparedCase> prepare_case(const Op& op, const ParityCase& parity_case);

// Requires: one entry of `inputs` per tensor that is not an output, in order.
Buffers upload_inputs(runtime::Device& device, std::span<const HostTensor> inputs);

}  // namespace nsajit::tuner
