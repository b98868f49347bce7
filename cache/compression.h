#pragma once
// Compression: binaries as the cache stores them. The door to zstd.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace nsajit::cache {

std::vector<std::byte> compress(std::span<const std::byte> bytes);

// nullopt where `compressed` is not a whole frame of exactly `size` bytes: damage, never an exception.
std::optional<std::vector<std::byte>> find_decompressed(std::span<const std::byte> compressed, std::size_t size);

}  // namespace nsajit::cache
