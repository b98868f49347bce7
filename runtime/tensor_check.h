#pragma once
// Tensor check: what the tensors of every call through the C interface have to be, and the words for what they are not. On the
// launch path: formats only to refuse. Pure; safe to call from any thread.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "nsajit/nsajit.h"
#include "nsajit/problem.h"
#include "nsajit/target.h"

namespace nsajit::runtime {

// Pointers are looked at too: Launch. Sizes, types and strides alone: Plan.
enum class CallUse : std::uint8_t { Launch, Plan };

struct CallReader {
  std::string_view function;  // for messages
  const Target& target;
  CallUse use;
};

inline constexpr std::int64_t kAnyExtent = -1;  // nothing fixes it

// All throw Error{InvalidArgument} that names the function, the tensor, the dimension, what it is and what it has to be.
[[noreturn]] void refuse(const CallReader& reader, const std::string& what);
// dtype, rank and extents, and that the last dimension is contiguous. `meaning`: the shape in letters.
void check_tensor(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor, int dtype,
                  std::initializer_list<std::int64_t> shape, std::string_view meaning);
// Extents alone.
void check_shape(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor,
                 std::initializer_list<std::int64_t> shape, std::string_view meaning);
void check_pointer(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor);
// CUDA kernels load vectors of 16 bytes. A dimension of extent 1 is never stepped along.
void check_vectors(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor);
// bf16, fp16 or fp32.
DType check_float(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor);

// 0 where the extent is 1, whatever the caller wrote there.
inline long long stride_of(const nsajit_tensor& tensor, int dimension) {
  return tensor.shape[dimension] > 1 ? tensor.strides[dimension] : 0;
}

struct QueryStrides {
  long long b = 0, s = 0, g = 0, h = 0;
};
// Of [B,S,G,h,...], or of [B,S,H,...] with `h` heads in a group.
QueryStrides query_strides(const nsajit_tensor& tensor, bool grouped, std::int64_t h);

}  // namespace nsajit::runtime
