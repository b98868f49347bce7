#pragma once
// Selection inputs: tensors of a launch, the same for the same seed on every machine and with any number of threads.
// Q, K, V are normal; selections are what a scorer would give (block 0, the two local blocks, others at random), or as
// ragged and hostile as the contract allows.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates {

// The input tensors (q, k, v, sel), in the order of make_selection_tensors. A workload that names a recorded selection takes
// its entries from the recipe's recordings; Error{InvalidArgument} where it is not among them.
std::vector<HostTensor> make_selection_inputs(const Workload& workload, const InputRecipe& recipe);

// A copy in which every token, query and ignored selection entry after `position` is different. Rows at positions up
// to it keep every entry that selects something.
std::vector<HostTensor> change_selection_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                std::int64_t position);

}  // namespace nsajit::templates
