#pragma once
// Digest: 128-bit content hash (XXH3) of named fields, the base of every cache key.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nsajit {

// 32 hexadecimal digits.
std::string digest_bytes(std::span<const std::byte> bytes);
std::string digest_text(std::string_view text);

// In-process hash of a noun's fields, for hash tables; never stored.
std::size_t hash_values(std::span<const std::int64_t> values) noexcept;

}  // namespace nsajit
