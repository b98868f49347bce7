#pragma once
// Scoring inputs: Q and the compressed K, normal or such that many blocks have exactly the same score.

#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates::scoring {

std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe);

// A copy in which every query after `position` and every compressed token that ends after it is different.
std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs, std::int64_t position);

}  // namespace nsajit::templates::scoring
