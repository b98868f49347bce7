// Attention layout: shapes.

#include "templates/common/attention_layout.h"

#include <utility>

namespace nsajit::templates {
namespace {

using Shape = std::vector<std::int64_t>;

}  // namespace

ElementType storage_type(DType dtype) {
  if (dtype == DType::BF16) return ElementType::BF16;
  return dtype == DType::FP16 ? ElementType::FP16 : ElementType::FP32;
}

TensorSpec make_query_spec(const Workload& w, std::string name, std::int64_t size) {
  const std::int64_t h = w.problem.group;
  Shape shape{w.B, w.S, w.G, h, size};
  if (w.problem.layout == Layout::Flash) shape = {w.B, w.S, w.G * h, size};
  if (has_packed_sequences(w)) shape = {rows_before(w, w.B), w.G * h, size};
  return {.name = std::move(name), .type = storage_type(w.problem.dtype), .shape = std::move(shape)};
}

TensorSpec make_key_spec(const Workload& w, std::string name, std::int64_t size, std::int64_t keys) {
  Shape shape{w.B, w.G, keys, size};
  if (w.problem.layout == Layout::Flash) shape = {w.B, keys, w.G, size};
  if (has_packed_sequences(w)) shape = {keys, w.G, size};
  return {.name = std::move(name), .type = storage_type(w.problem.dtype), .shape = std::move(shape)};
}

TensorSpec make_lse_spec(const Workload& w) {
  const std::int64_t h = w.problem.group;
  const Shape shape = has_packed_sequences(w) ? Shape{rows_before(w, w.B), w.G * h} : Shape{w.B, w.S, w.G, h};
  return {.name = "lse", .type = ElementType::FP32, .shape = shape, .output = true};
}

TensorSpec make_sel_spec(const Workload& w) {
  Shape shape{w.B, w.S, w.G, w.n};
  if (has_packed_sequences(w)) shape = {rows_before(w, w.B), w.G, w.n};
  if (w.problem.input == SelectionInput::Ranges) shape.push_back(2);
  return {.name = "sel", .type = ElementType::INT32, .shape = std::move(shape)};
}

TensorSpec make_starts_spec(const Workload& w, std::string name) {
  return {.name = std::move(name), .type = ElementType::INT32, .shape = {w.B + 1}};
}

}  // namespace nsajit::templates
