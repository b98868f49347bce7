#pragma once
// Selection reference: full softmax attention over the selected tokens of a row, on the host, on all hardware threads.
// Twice: in float64 (the oracle) and with the roundings of a kernel that works in the problem's dtype.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates {

// Requires: `inputs` as made by make_selection_inputs for this workload. Outputs in order: o, lse.
Reference make_selection_reference(const Workload& workload, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows);

}  // namespace nsajit::templates
