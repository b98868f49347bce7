#pragma once
// HostScan: looks through gigabytes of host memory, in pieces over a few threads. A check per candidate reads every byte
// of its outputs, so this is as fast as the memory is. Pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace nsajit::tuner {

// First byte in which two of equal length differ.
std::optional<std::int64_t> find_difference(std::span<const std::byte> a, std::span<const std::byte> b);

// First element whose bits of `exponent` are all set (NaN and infinities) and which is not `allowed`.
// Requires: `data` is a whole number of elements, aligned as they are.
std::optional<std::int64_t> find_non_finite(std::span<const std::byte> data, std::uint16_t exponent);
std::optional<std::int64_t> find_non_finite(std::span<const std::byte> data, std::uint32_t exponent,
                                            std::optional<std::uint32_t> allowed);

}  // namespace nsajit::tuner
