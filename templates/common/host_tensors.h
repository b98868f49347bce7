#pragma once
// Host tensors: filled with normal values, the same for the same seed on every machine and with any number of threads,
// and changed where a parity case wants another future.

#include <cstdint>
#include <span>

#include "nsajit/op.h"

namespace nsajit::templates {

// Logits of normal inputs have deviation 1 after scaling; queries times this reach +-1e3 (their extremes are near 4).
inline constexpr float kLargeLogits = 250.0f;

HostTensor make_tensor(const TensorSpec& spec);

// A tensor of normal values times `factor`; `number` tells the tensors of one recipe apart.
HostTensor make_normal(const TensorSpec& spec, const InputRecipe& recipe, std::size_t number, float factor);

// An int32 tensor with these values.
HostTensor make_int_tensor(const TensorSpec& spec, std::span<const std::int32_t> values);

// Flips the sign of everything at `first` and later along a dimension of `length` rows of `inner` elements, in each of
// its slices.
void flip_from(HostTensor& tensor, std::int64_t length, std::int64_t inner, std::int64_t first);

// The same for packed sequences that begin at `starts`: the rows of each from `first` on.
void flip_packed_from(HostTensor& tensor, std::span<const std::int32_t> starts, std::int64_t inner, std::int64_t first);

}  // namespace nsajit::templates
