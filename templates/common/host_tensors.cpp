// Host tensors: normals from a counter, so that any piece can be made by any thread. Tensors above 2^24 elements
// repeat a prime number of elements: no alignment with rows.

#include "templates/common/host_tensors.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "templates/common/host_elements.h"
#include "templates/common/mix_bits.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kLargestFresh = std::int64_t{1} << 24;
constexpr std::int64_t kPeriod = 4194301;  // the largest prime below 2^22
constexpr std::int64_t kPiece = std::int64_t{1} << 16;

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

// Elements [begin, end): the highest bit of each is its sign.
void flip_signs(HostTensor& tensor, std::int64_t begin, std::int64_t end) {
  const auto bytes = static_cast<std::int64_t>(element_bytes(tensor.spec.type));
  for (std::int64_t i = begin; i < end; ++i) tensor.data[static_cast<std::size_t>(i * bytes + bytes - 1)] ^= std::byte{0x80};
}

}  // namespace

HostTensor make_tensor(const TensorSpec& spec) {
  return {.spec = spec, .data = std::vector<std::byte>(static_cast<std::size_t>(spec.bytes()))};
}

HostTensor make_normal(const TensorSpec& spec, const InputRecipe& recipe, std::size_t number, float factor) {
  HostTensor tensor = make_tensor(spec);
  const std::int64_t elements = spec.elements();
  const std::int64_t fresh = elements <= kLargestFresh ? elements : kPeriod;
  fill_fresh(tensor, fresh, mix_bits(recipe.seed * 8 + number), factor);
  const auto bytes = static_cast<std::int64_t>(element_bytes(spec.type));
  for_each_piece(elements - fresh, kPeriod, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(tensor.data.data() + (fresh + begin) * bytes, tensor.data.data(),
                static_cast<std::size_t>((end - begin) * bytes));
  });
  return tensor;
}

HostTensor make_int_tensor(const TensorSpec& spec, std::span<const std::int32_t> values) {
  HostTensor tensor = make_tensor(spec);
  std::memcpy(tensor.data.data(), values.data(), values.size_bytes());
  return tensor;
}

void flip_from(HostTensor& tensor, std::int64_t length, std::int64_t inner, std::int64_t first) {
  const std::int64_t slices = tensor.spec.elements() / (length * inner);
  for_each_piece(slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slice = begin; slice < end; ++slice)
      flip_signs(tensor, (slice * length + first) * inner, (slice + 1) * length * inner);
  });
}

void flip_packed_from(HostTensor& tensor, std::span<const std::int32_t> starts, std::int64_t inner, std::int64_t first) {
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) flip_signs(tensor, (starts[b] + first) * inner, starts[b + 1] * inner);
}

}  // namespace nsajit::templates
