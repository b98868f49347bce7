// Attention inputs: see the header.

#include "templates/common/attention_inputs.h"

#include <algorithm>

#include "templates/common/host_tensors.h"
#include "templates/common/sequences.h"

namespace nsajit::templates {

std::vector<HostTensor> make_attention_inputs(std::span<const TensorSpec> specs, const InputRecipe& recipe) {
  std::vector<HostTensor> inputs;
  for (std::size_t i = 0; i < specs.size(); ++i)
    inputs.push_back(make_normal(specs[i], recipe, i, i == 0 && recipe.kind == InputKind::LargeLogits ? kLargeLogits : 1.0f));
  return inputs;
}

void flip_queries_after(const Workload& w, HostTensor& tensor, std::int64_t position) {
  const std::int64_t row = std::clamp<std::int64_t>(position + 1 - (w.S_kv - w.S), 0, w.S);
  const std::int64_t rows = has_packed_sequences(w) ? rows_before(w, w.B) : w.B * w.S;
  const std::int64_t inner = tensor.spec.elements() / rows;
  if (has_packed_sequences(w))
    flip_packed_from(tensor, sequence_starts(w), inner, row);
  else
    flip_from(tensor, w.S, inner, row);
}

void flip_keys_from(const Workload& w, HostTensor& tensor, std::span<const std::int32_t> starts, std::int64_t first) {
  const std::vector<std::int64_t>& shape = tensor.spec.shape;
  if (has_packed_sequences(w)) {
    flip_packed_from(tensor, starts, shape[1] * shape[2], first);
    return;
  }
  const bool flash = w.problem.layout == Layout::Flash;
  const std::int64_t keys = flash ? shape[1] : shape[2], inner = flash ? shape[2] * shape[3] : shape[3];
  flip_from(tensor, keys, inner, std::min(first, keys));
}

}  // namespace nsajit::templates
