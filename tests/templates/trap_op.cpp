// Trap op: see the header. A case's seed says which trap it is.

#include "tests/templates/trap_op.h"

#include <algorithm>
#include <cstring>

#include "core/assert.h"
#include "nsajit/selection_args.h"

namespace nsajit::templates_test {
namespace {

// Tensors of selection, in the order of Op::tensors().
enum Tensor : std::size_t { kQ, kK, kV, kSel, kO, kLse };

using Shape = std::vector<std::int64_t>;

bool is_flash(const Workload& workload) { return workload.problem.layout == Layout::Flash; }

// Every dimension grows by another amount; rows of elements by whole 16 bytes of any dtype.
Shape padded_shape(const Workload& w, Tensor tensor) {
  const std::int64_t h = w.problem.group, dk = w.problem.dk + 16, dv = w.problem.dv + 32;
  if (tensor == kQ) return is_flash(w) ? Shape{w.B, w.S + 2, w.G * h + 3, dk} : Shape{w.B, w.S + 2, w.G + 1, h + 1, dk};
  if (tensor == kSel && w.problem.input == SelectionInput::Ranges) return {w.B, w.S + 1, w.G + 1, w.n + 2, 2};
  if (tensor == kSel) return {w.B, w.S + 1, w.G + 1, w.n + 2};
  const std::int64_t size = tensor == kK ? dk : dv;
  return is_flash(w) ? Shape{w.B, w.S_kv + 3, w.G + 1, size} : Shape{w.B, w.G + 1, w.S_kv + 3, size};
}

void set_strides(const Workload& w, nsajit_selection_args& args) {
  const std::int64_t h = w.problem.group, dk = w.problem.dk + 16, dv = w.problem.dv + 32;
  const bool flash = is_flash(w);
  args.q_h = dk;
  args.q_g = (flash ? h : h + 1) * dk;
  args.q_s = flash ? (w.G * h + 3) * dk : (w.G + 1) * args.q_g;
  args.q_b = (w.S + 2) * args.q_s;
  args.k_s = flash ? (w.G + 1) * dk : dk;
  args.k_g = flash ? dk : (w.S_kv + 3) * dk;
  args.v_s = flash ? (w.G + 1) * dv : dv;
  args.v_g = flash ? dv : (w.S_kv + 3) * dv;
  args.k_b = (w.G + 1) * (w.S_kv + 3) * dk;
  args.v_b = (w.G + 1) * (w.S_kv + 3) * dv;
  args.sel_g = (w.n + 2) * (w.problem.input == SelectionInput::Ranges ? 2 : 1);
  args.sel_s = (w.G + 1) * args.sel_g;
  args.sel_b = (w.S + 1) * args.sel_s;
  args.o_h = w.problem.dv;
  args.o_s = h * args.o_h;
  args.o_g = w.S * args.o_s;
  args.o_b = w.G * args.o_g;
  args.lse_h = 1;
  args.lse_s = h;
  args.lse_g = w.S * h;
  args.lse_b = w.G * args.lse_g;
}

// Copies the elements that both shapes have.
void copy_common(const HostTensor& from, HostTensor& to) {
  const Shape &source = from.spec.shape, &target = to.spec.shape;
  const std::int64_t bytes = static_cast<std::int64_t>(element_bytes(from.spec.type));
  const std::int64_t row = std::min(source.back(), target.back()), rows = from.spec.elements() / source.back();
  for (std::int64_t i = 0; i < rows; ++i) {
    std::int64_t rest = i, at = 0, step = target.back();
    bool inside = true;
    for (std::size_t dim = source.size() - 1; dim-- > 0;) {
      inside = inside && rest % source[dim] < target[dim];
      at += rest % source[dim] * step;
      step *= target[dim];
      rest /= source[dim];
    }
    if (inside)
      std::memcpy(to.data.data() + at * bytes, from.data.data() + i * source.back() * bytes,
                  static_cast<std::size_t>(row * bytes));
  }
}

HostTensor with_shape(const HostTensor& tensor, Shape shape, std::byte padding) {
  HostTensor result{.spec = tensor.spec};
  result.spec.shape = std::move(shape);
  result.data.assign(static_cast<std::size_t>(result.spec.bytes()), padding);
  copy_common(tensor, result);
  return result;
}

void write_entries(const Trap& trap, HostTensor& sel) {
  const Workload& w = trap.workload;
  const int ints = w.problem.input == SelectionInput::Ranges ? 2 : 1;
  auto* entries = reinterpret_cast<std::int32_t*>(sel.data.data());
  const std::size_t count = static_cast<std::size_t>(w.n) * static_cast<std::size_t>(ints);
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row, entries += count) {
    const std::int64_t s = row / w.G % w.S;
    std::fill_n(entries, count, ints == 2 ? 0 : -1);
    trap.write({.workload = w, .s = s, .g = row % w.G, .position = w.S_kv - w.S + s}, {entries, count});
  }
}

}  // namespace

std::vector<TensorSpec> TrapOp::tensors(const Workload& workload) const {
  std::vector<TensorSpec> specs = inner_.tensors(workload);
  if (form_ == TensorForm::WithoutLse) specs.pop_back();
  if (form_ == TensorForm::Strided)
    for (const Tensor tensor : {kQ, kK, kV, kSel}) specs[tensor].shape = padded_shape(workload, tensor);
  return specs;
}

std::vector<std::byte> TrapOp::arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const {
  std::vector<void*> addresses(tensors.begin(), tensors.end());
  if (form_ == TensorForm::WithoutLse) addresses.push_back(nullptr);
  std::vector<std::byte> bytes = inner_.arguments(workload, addresses, workspace);
  if (form_ != TensorForm::Strided) return bytes;
  nsajit_selection_args args;
  NSAJIT_ASSERT(bytes.size() == sizeof(args), "selection takes its argument struct");
  std::memcpy(&args, bytes.data(), sizeof(args));
  set_strides(workload, args);
  std::memcpy(bytes.data(), &args, sizeof(args));
  return bytes;
}

std::vector<HostTensor> TrapOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  const Trap& trap = traps_.at(static_cast<std::size_t>(recipe.seed - 1));
  std::vector<HostTensor> inputs = inner_.make_inputs(workload, recipe);
  if (trap.write) write_entries(trap, inputs[kSel]);
  return to_form(workload, std::move(inputs));
}

// Ragged: the gate then expects rows without a token anywhere.
std::vector<ParityCase> TrapOp::parity_cases(const Workload&) const {
  std::vector<ParityCase> cases;
  for (const Trap& trap : traps_)
    cases.push_back({.name = trap.name,
                     .workload = trap.workload,
                     .recipe = {.kind = trap.write ? InputKind::Ragged : InputKind::Random, .seed = cases.size() + 1},
                     .sampled_rows = trap.sampled_rows});
  return cases;
}

Reference TrapOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  Reference reference = form_ == TensorForm::Strided ? inner_.reference(parity_case, from_form(parity_case.workload, inputs))
                                                     : inner_.reference(parity_case, inputs);
  if (form_ == TensorForm::WithoutLse) {
    reference.oracle.pop_back();
    reference.same_dtype.pop_back();
  }
  return reference;
}

Op::RowSlice TrapOp::output_row(const Workload& w, std::string_view tensor, std::int64_t row) const {
  RowSlice slice = inner_.output_row(w, tensor, row);
  if (form_ != TensorForm::Strided) return slice;
  const std::int64_t g = row % w.G, s = row / w.G % w.S, b = row / w.G / w.S;
  slice.begin = ((b * w.G + g) * w.S + s) * slice.count;
  return slice;
}

std::vector<HostTensor> TrapOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                              std::int64_t position) const {
  if (form_ != TensorForm::Strided) return inner_.change_future(workload, inputs, position);
  return to_form(workload, inner_.change_future(workload, from_form(workload, inputs), position));
}

std::vector<HostTensor> TrapOp::to_form(const Workload& workload, std::vector<HostTensor> dense) const {
  if (form_ != TensorForm::Strided) return dense;
  for (const Tensor tensor : {kQ, kK, kV, kSel})
    dense[tensor] = with_shape(dense[tensor], padded_shape(workload, tensor), tensor == kSel ? std::byte{0} : std::byte{0xff});
  return dense;
}

std::vector<HostTensor> TrapOp::from_form(const Workload& workload, std::span<const HostTensor> inputs) const {
  const std::vector<TensorSpec> specs = inner_.tensors(workload);
  std::vector<HostTensor> dense;
  for (const Tensor tensor : {kQ, kK, kV, kSel}) dense.push_back(with_shape(inputs[tensor], specs[tensor].shape, std::byte{0}));
  return dense;
}

}  // namespace nsajit::templates_test
