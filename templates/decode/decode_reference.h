#pragma once
// Decode reference: the references of the branches, one after the other, and the gate. The same-dtype one rounds each
// branch's output, as separate kernels store it.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates::decode {

// Outputs: o, blocks. A row whose choice of blocks fp32 cannot tell from another (scoring_reference.h) is left out: its o
// would be that of another choice. With InputKind::Ties all sums are exact, and no row is.
Reference make_reference(const ParityCase& parity_case, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows);

}  // namespace nsajit::templates::decode
