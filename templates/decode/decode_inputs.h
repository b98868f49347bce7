#pragma once
// Decode inputs: queries, caches, gates, lengths and pages of a parity case. What a cache holds behind a sequence's length
// is NaN, so that reading it shows.

#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates::decode {

// In the order of make_tensors(), without the outputs.
std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe);

}  // namespace nsajit::templates::decode
