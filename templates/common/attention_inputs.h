#pragma once
// Attention inputs: Q, K and V of a parity case, and the same with another future, in every layout.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates {

// Normal values for the first tensors of a launch: q (scaled up where the recipe wants large logits), then the others.
std::vector<HostTensor> make_attention_inputs(std::span<const TensorSpec> specs, const InputRecipe& recipe);

// Changes every query (or whatever lies beside it, as large) at a position after `position`.
void flip_queries_after(const Workload& workload, HostTensor& tensor, std::int64_t position);

// Changes key `first` of each sequence and every later one. `starts`: of packed sequences, else not looked at.
void flip_keys_from(const Workload& workload, HostTensor& tensor, std::span<const std::int32_t> starts, std::int64_t first);

}  // namespace nsajit::templates
