// HostScan: what is found is the first, whatever the size and the number of threads.

#include "tuner/host_scan.h"

#include <cstring>
#include <vector>

#include <catch2/catch_all.hpp>

using nsajit::tuner::find_difference;
using nsajit::tuner::find_non_finite;

namespace {

constexpr std::size_t kLarge = (std::size_t{40} << 20) + 24;  // several threads; no whole number of pieces

std::vector<std::byte> floats(std::size_t count, float value) {
  std::vector<std::byte> bytes(count * sizeof(float));
  for (std::size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(float));
  return bytes;
}

void put(std::vector<std::byte>& bytes, std::size_t index, std::uint32_t bits) {
  std::memcpy(bytes.data() + index * sizeof bits, &bits, sizeof bits);
}

}  // namespace

TEST_CASE("equal memory has no difference") {
  const std::vector<std::byte> a(kLarge, std::byte{7});
  CHECK_FALSE(find_difference(a, a));
  CHECK_FALSE(find_difference({}, {}));
}

TEST_CASE("the first of several differences is found") {
  const std::size_t size = GENERATE(std::size_t{9}, std::size_t{1} << 20, kLarge);
  const std::vector<std::byte> a(size, std::byte{7});
  auto b = a;
  b[size - 1] = std::byte{8};
  CHECK(find_difference(a, b) == static_cast<std::int64_t>(size) - 1);
  b[size / 2] = std::byte{8};
  b[size / 3] = std::byte{8};
  CHECK(find_difference(a, b) == static_cast<std::int64_t>(size / 3));
}

TEST_CASE("a NaN or an infinity is found wherever it stands, and the allowed one is not") {
  const std::size_t count = GENERATE(std::size_t{3}, kLarge / 4);
  auto data = floats(count, 1.5f);
  CHECK_FALSE(find_non_finite(data, 0x7F800000u, std::nullopt));
  put(data, count - 1, 0x7FC00000u);
  CHECK(find_non_finite(data, 0x7F800000u, std::nullopt) == static_cast<std::int64_t>(count) - 1);
  put(data, count / 2, 0xFF800000u);
  CHECK(find_non_finite(data, 0x7F800000u, std::nullopt) == static_cast<std::int64_t>(count / 2));
  CHECK(find_non_finite(data, 0x7F800000u, 0xFF800000u) == static_cast<std::int64_t>(count) - 1);
}

TEST_CASE("elements of 16 bits are told apart by their exponent") {
  std::vector<std::byte> data(kLarge, std::byte{0x3F});
  CHECK_FALSE(find_non_finite(data, std::uint16_t{0x7F80}));
  data[kLarge - 1] = std::byte{0xFF};
  data[kLarge - 2] = std::byte{0x80};
  CHECK(find_non_finite(data, std::uint16_t{0x7F80}) == static_cast<std::int64_t>(kLarge / 2) - 1);
}
