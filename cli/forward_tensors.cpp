// Forward tensors: one pattern of random values, repeated. Its length is prime, so that rows do not repeat with it, and a
// tensor of gigabytes costs a copy and not a generator.

#include "cli/forward_tensors.h"

#include <algorithm>
#include <random>
#include <span>

#include <fmt/format.h>

#include "core/compressed_count.h"
#include "core/dense_tensor.h"
#include "core/element_values.h"
#include "nsajit/error.h"
#include "nsajit/op.h"

namespace nsajit::cli {
namespace {

constexpr std::int64_t kPattern = 1'048'583;  // values; a prime
constexpr std::int64_t kShift = 104'729;      // between the beginnings of tensors
constexpr std::size_t kRepeats = 16;          // of the pattern, in one copy to the device

int dtype_of(DType dtype) {
  switch (dtype) {
    case DType::BF16: return NSAJIT_BF16;
    case DType::FP16: return NSAJIT_FP16;
    case DType::FP32: return NSAJIT_FP32;
  }
  return NSAJIT_BF16;
}

ElementType element_of(int dtype) {
  return dtype == NSAJIT_BF16 ? ElementType::BF16 : dtype == NSAJIT_FP16 ? ElementType::FP16 : ElementType::FP32;
}

std::int64_t bytes_of(int dtype) { return static_cast<std::int64_t>(element_bytes(element_of(dtype))); }

std::int64_t count(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  return elements;
}

// The pattern as often as one copy to a device takes at a time, and once more, so that a tensor can begin anywhere in it.
std::vector<std::byte> make_stage(int dtype) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto bytes = static_cast<std::size_t>(kPattern * bytes_of(dtype));
  std::vector<std::byte> stage(bytes * (kRepeats + 1));
  for (std::int64_t i = 0; i < kPattern; ++i) store_element(stage.data(), element_of(dtype), i, normal(random));
  for (std::size_t copy = 1; copy <= kRepeats; ++copy)
    std::copy_n(stage.begin(), bytes, stage.begin() + static_cast<std::ptrdiff_t>(copy * bytes));
  return stage;
}

// A part of another buffer.
class BufferPart final : public runtime::Buffer {
 public:
  BufferPart(const runtime::Buffer& whole, std::int64_t offset, std::int64_t bytes)
      : address_(static_cast<std::byte*>(whole.address()) + offset), bytes_(bytes) {}
  void* address() const override { return address_; }
  std::int64_t bytes() const override { return bytes_; }

 private:
  std::byte* address_;
  std::int64_t bytes_;
};

std::vector<std::byte> make_gates(std::int64_t values) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> uniform;
  std::vector<std::byte> gates(static_cast<std::size_t>(values) * 4);
  for (std::int64_t i = 0; i < values; ++i) store_element(gates.data(), ElementType::FP32, i, uniform(random));
  return gates;
}

}  // namespace

ForwardTensors::ForwardTensors(runtime::Device& device, const Workload& w)
    : device_(device), dtype_(dtype_of(w.problem.dtype)), stage_(make_stage(dtype_)) {
  const Problem& p = w.problem;
  if (p.layout == Layout::Varlen)
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: a whole forward pass takes sequences of one length", to_string(w)));
  const bool grouped = p.layout == Layout::Grouped;
  const auto query = [&](std::int64_t size) {
    return grouped ? std::vector<std::int64_t>{w.B, w.S, w.G, p.group, size}
                   : std::vector<std::int64_t>{w.B, w.S, w.G * p.group, size};
  };
  const auto key = [&](std::int64_t keys, std::int64_t size) {
    return grouped ? std::vector<std::int64_t>{w.B, w.G, keys, size} : std::vector<std::int64_t>{w.B, keys, w.G, size};
  };
  const std::int64_t compressed = count_compressed(p, w.S_kv);
  call_.struct_bytes = sizeof call_;
  call_.q = add_values(query(p.dk), dtype_);
  call_.k_cmp = add_values(key(compressed, p.dk), dtype_), call_.v_cmp = add_values(key(compressed, p.dv), dtype_);
  call_.k_sel = add_values(key(w.S_kv, p.dk), dtype_), call_.v_sel = add_values(key(w.S_kv, p.dv), dtype_);
  call_.k_win = add_values(key(w.S_kv, p.dk), dtype_), call_.v_win = add_values(key(w.S_kv, p.dv), dtype_);
  call_.o = add(query(p.dv), dtype_);
  call_.gates = add(query(3), NSAJIT_FP32);
  device_.copy_in(*buffers_.back(), make_gates(count(query(3))));
  ranges_ = add({w.B, w.S, w.G, p.n_sel, 2}, NSAJIT_INT32);
  call_.sparsity = {.l = p.l, .d = p.d, .l_sel = p.l_sel, .n_sel = p.n_sel, .w = p.w};
  call_.overlap_percent = w.overlap_percent;
  stage_ = {};
}

std::int64_t ForwardTensors::bytes() const {
  std::int64_t sum = 0;
  for (const auto& buffer : buffers_) sum += buffer->bytes();
  return sum;
}

nsajit_tensor ForwardTensors::add(const std::vector<std::int64_t>& shape, int dtype) {
  buffers_.push_back(device_.allocate(count(shape) * bytes_of(dtype)));
  return dense_tensor(buffers_.back()->address(), shape, dtype);
}

nsajit_tensor ForwardTensors::add_values(const std::vector<std::int64_t>& shape, int dtype) {
  const std::int64_t first = static_cast<std::int64_t>(buffers_.size()) * kShift % kPattern;
  const nsajit_tensor made = add(shape, dtype);
  const std::int64_t piece = kPattern * bytes_of(dtype) * static_cast<std::int64_t>(kRepeats), total = buffers_.back()->bytes();
  for (std::int64_t at = 0; at < total; at += piece) {
    BufferPart part(*buffers_.back(), at, std::min(piece, total - at));
    device_.copy_in(part, std::span(stage_).subspan(static_cast<std::size_t>(first * bytes_of(dtype)),
                                                    static_cast<std::size_t>(part.bytes())));
  }
  return made;
}

}  // namespace nsajit::cli
