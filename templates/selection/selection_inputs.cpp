// Selection inputs: normals from a counter, so that any piece can be made by any thread; selections from
// selection_entries.h. Tensors above 2^24 elements repeat a prime number of elements: no alignment with rows.

#include "templates/selection/selection_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "templates/common/host_elements.h"
#include "templates/selection/selection_entries.h"
#include "templates/selection/selection_layout.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kLargestFresh = std::int64_t{1} << 24;
constexpr std::int64_t kPeriod = 4194301;  // the largest prime below 2^22
constexpr std::int64_t kPiece = std::int64_t{1} << 16;
// Logits are normal with deviation 1 after scaling; their extremes over a row are near 4.
constexpr float kLargeLogits = 250.0f;

// Elements 2i and 2i + 1 from one 64-bit draw (Box-Muller).
void fill_fresh(HostTensor& tensor, std::int64_t count, std::uint64_t seed, float factor) {
  for_each_piece(count, kPiece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += 2) {
      const std::uint64_t bits = mix_bits(seed + static_cast<std::uint64_t>(i));
      const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(bits >> 32) + 1.0) * 0x1p-32));
      const double angle = static_cast<double>(bits & 0xffffffff) * (0x1p-31 * std::numbers::pi);
      store_element(tensor.data.data(), tensor.spec.type, i, static_cast<float>(radius * std::cos(angle)) * factor);
      if (i + 1 < end)
        store_element(tensor.data.data(), tensor.spec.type, i + 1, static_cast<float>(radius * std::sin(angle)) * factor);
    }
  });
}

void fill_normal(HostTensor& tensor, std::uint64_t seed, float factor) {
  const std::int64_t elements = tensor.spec.elements();
  const std::int64_t fresh = elements <= kLargestFresh ? elements : kPeriod;
  fill_fresh(tensor, fresh, seed, factor);
  const auto bytes = static_cast<std::int64_t>(element_bytes(tensor.spec.type));
  for_each_piece(elements - fresh, kPeriod, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(tensor.data.data() + (fresh + begin) * bytes, tensor.data.data(),
                static_cast<std::size_t>((end - begin) * bytes));
  });
}

HostTensor make_tensor(const TensorSpec& spec) {
  return {.spec = spec, .data = std::vector<std::byte>(static_cast<std::size_t>(spec.bytes()))};
}

// Flips the sign of everything at `first` and later along a dimension of `length`, for each of its slices.
void flip_from(HostTensor& tensor, std::int64_t length, std::int64_t inner, std::int64_t first) {
  const auto bytes = static_cast<std::int64_t>(element_bytes(tensor.spec.type));
  const std::int64_t slices = tensor.spec.elements() / (length * inner);
  for_each_piece(slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slice = begin; slice < end; ++slice)
      for (std::int64_t i = (slice * length + first) * inner; i < (slice + 1) * length * inner; ++i)
        tensor.data[static_cast<std::size_t>(i * bytes + bytes - 1)] ^= std::byte{0x80};
  });
}

HostTensor make_cu_seqlens(const Workload& workload, const TensorSpec& spec) {
  HostTensor tensor = make_tensor(spec);
  auto* starts = reinterpret_cast<std::int32_t*>(tensor.data.data());
  for (std::int64_t b = 0; b <= workload.B; ++b) starts[b] = static_cast<std::int32_t>(rows_before(workload, b));
  return tensor;
}

// The same as flip_from for each packed sequence: its tokens from `first` on.
void flip_packed_from(const Workload& workload, HostTensor& tensor, std::int64_t inner, std::int64_t first) {
  const auto bytes = static_cast<std::int64_t>(element_bytes(tensor.spec.type));
  for (std::int64_t b = 0; b < workload.B; ++b) {
    const std::int64_t start = rows_before(workload, b), end = start + sequence_length(workload, b);
    for (std::int64_t i = (start + first) * inner; i < end * inner; ++i)
      tensor.data[static_cast<std::size_t>(i * bytes + bytes - 1)] ^= std::byte{0x80};
  }
}

}  // namespace

std::vector<HostTensor> make_selection_inputs(const Workload& workload, const InputRecipe& recipe) {
  const std::vector<TensorSpec> specs = make_selection_tensors(workload);
  std::vector<HostTensor> inputs;
  for (const std::size_t tensor : {kQ, kK, kV}) {
    inputs.push_back(make_tensor(specs[tensor]));
    const bool scaled = tensor == kQ && recipe.kind == InputKind::LargeLogits;
    fill_normal(inputs.back(), mix_bits(recipe.seed * 8 + tensor), scaled ? kLargeLogits : 1.0f);
  }
  inputs.push_back(make_tensor(specs[kSel]));
  fill_entries(workload, recipe, inputs.back());
  if (has_packed_sequences(workload)) inputs.push_back(make_cu_seqlens(workload, specs[kSequences]));
  return inputs;
}

std::vector<HostTensor> change_selection_future(const Workload& w, std::span<const HostTensor> inputs, std::int64_t position) {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  const Problem& p = w.problem;
  const bool flash = p.layout == Layout::Flash;
  const std::int64_t token = std::clamp<std::int64_t>(position + 1, 0, w.S_kv);
  const std::int64_t row = std::clamp<std::int64_t>(token - (w.S_kv - w.S), 0, w.S);
  move_ignored_entries(w, position, changed[kSel]);
  if (has_packed_sequences(w)) {
    flip_packed_from(w, changed[kQ], w.G * p.group * p.dk, token);
    flip_packed_from(w, changed[kK], w.G * p.dk, token);
    flip_packed_from(w, changed[kV], w.G * p.dv, token);
    return changed;
  }
  flip_from(changed[kQ], w.S, w.G * p.group * p.dk, row);
  flip_from(changed[kK], w.S_kv, flash ? w.G * p.dk : p.dk, token);
  flip_from(changed[kV], w.S_kv, flash ? w.G * p.dv : p.dv, token);
  return changed;
}

}  // namespace nsajit::templates
