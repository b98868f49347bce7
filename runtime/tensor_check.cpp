// Tensor check: compares and words.

#include "runtime/tensor_check.h"

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

std::string shape_text(const nsajit_tensor& tensor) {
  std::string text;
  for (int i = 0; i < tensor.ndim && i < 5; ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", tensor.shape[i]);
  return "[" + text + "]";
}

std::string_view dtype_text(int dtype) {
  constexpr std::string_view kNames[]{"bf16", "fp16", "fp32", "int32"};
  return dtype >= NSAJIT_BF16 && dtype <= NSAJIT_INT32 ? kNames[dtype] : "no dtype of nsajit.h";
}

}  // namespace

void refuse(const CallReader& reader, const std::string& what) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("{}: {}", reader.function, what));
}

void check_shape(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor,
                 std::initializer_list<std::int64_t> shape, std::string_view meaning) {
  const bool same_rank = tensor.ndim == static_cast<int>(shape.size());
  bool fits = same_rank;
  for (int i = 0; same_rank && i < tensor.ndim; ++i)
    fits = fits && (shape.begin()[i] == kAnyExtent || shape.begin()[i] == tensor.shape[i]);
  if (!fits) {
    std::string wanted;
    for (const std::int64_t extent : shape)
      wanted += fmt::format("{}{}", wanted.empty() ? "" : ", ", extent == kAnyExtent ? "any" : std::to_string(extent));
    refuse(reader, fmt::format("{} has shape {}; with the other tensors it has to be {} = [{}]", name, shape_text(tensor),
                               meaning, wanted));
  }
}

void check_tensor(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor, int dtype,
                  std::initializer_list<std::int64_t> shape, std::string_view meaning) {
  if (tensor.dtype != dtype)
    refuse(reader, fmt::format("{} has dtype {}; it has to be {}", name, dtype_text(tensor.dtype), dtype_text(dtype)));
  check_shape(reader, name, tensor, shape, meaning);
  const int last = tensor.ndim - 1;
  if (tensor.shape[last] > 1 && tensor.strides[last] != 1)
    refuse(reader, fmt::format("{} has stride {} in its last dimension; rows have to be contiguous: make a copy", name,
                               tensor.strides[last]));
}

void check_pointer(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor) {
  if (reader.use == CallUse::Plan) return;
  if (tensor.data == nullptr) refuse(reader, fmt::format("{} is a null pointer", name));
}

void check_vectors(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor) {
  if (reader.target.backend != Backend::Cuda) return;
  const std::int64_t bytes = tensor.dtype == NSAJIT_FP32 ? 4 : 2;
  for (int i = 0; i + 1 < tensor.ndim; ++i)
    if (tensor.shape[i] > 1 && tensor.strides[i] * bytes % 16 != 0)
      refuse(reader, fmt::format("{} has stride {} in dimension {}: {} bytes, no multiple of 16, which CUDA kernels need; make a "
                                 "contiguous copy",
                                 name, tensor.strides[i], i, tensor.strides[i] * bytes));
  if (reader.use == CallUse::Launch && reinterpret_cast<std::uintptr_t>(tensor.data) % 16 != 0)
    refuse(reader, fmt::format("{} lies at {}, which is not 16-byte aligned, as CUDA kernels need it", name, tensor.data));
}

DType check_float(const CallReader& reader, std::string_view name, const nsajit_tensor& tensor) {
  switch (tensor.dtype) {
    case NSAJIT_BF16: return DType::BF16;
    case NSAJIT_FP16: return DType::FP16;
    case NSAJIT_FP32: return DType::FP32;
    default: refuse(reader, fmt::format("{} has dtype {}; it has to be bf16, fp16 or fp32", name, dtype_text(tensor.dtype)));
  }
}

QueryStrides query_strides(const nsajit_tensor& tensor, bool grouped, std::int64_t h) {
  if (grouped) return {stride_of(tensor, 0), stride_of(tensor, 1), stride_of(tensor, 2), stride_of(tensor, 3)};
  const long long head = stride_of(tensor, 2);
  return {stride_of(tensor, 0), stride_of(tensor, 1), h * head, head};
}

}  // namespace nsajit::runtime
