#pragma once
// Scoring inputs: Q and the compressed K, normal or such that many blocks have exactly the same score.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates::scoring {

// InputKind::Ties: the queries, and the one element of key i of group g that they see.
void tie_queries(const Workload& workload, HostTensor& q);
float tied_key(const Workload& workload, const InputRecipe& recipe, std::int64_t g, std::int64_t i);

std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe);

// A copy in which every query after `position` and every compressed token that ends after it is different.
std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs, std::int64_t position);

}  // namespace nsajit::templates::scoring
