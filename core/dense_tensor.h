#pragma once
// Dense tensor: memory without gaps, the last dimension first, as the C interface describes it. On the launch path: allocates
// nothing.

#include <cstdint>
#include <initializer_list>
#include <span>

#include "nsajit/nsajit.h"

namespace nsajit {

// Requires: up to as many dimensions as nsajit_tensor has.
inline nsajit_tensor dense_tensor(void* data, std::span<const std::int64_t> shape, std::int32_t dtype) {
  nsajit_tensor made{.data = data, .dtype = dtype, .ndim = static_cast<std::int32_t>(shape.size())};
  std::int64_t stride = 1;
  for (int i = made.ndim - 1; i >= 0; --i) {
    made.shape[i] = shape[static_cast<std::size_t>(i)];
    made.strides[i] = stride;
    stride *= made.shape[i];
  }
  return made;
}
inline nsajit_tensor dense_tensor(void* data, std::initializer_list<std::int64_t> shape, std::int32_t dtype) {
  return dense_tensor(data, std::span(shape.begin(), shape.size()), dtype);
}

}  // namespace nsajit
