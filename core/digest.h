#pragma once
// Digest: 128-bit content hash (XXH3) of named fields, the base of every cache key.

#include <string>
#include <string_view>
#include <cstddef>
#include <span>

namespace nsajit {

// 32 hexadecimal digits.
std::string digest_bytes(std::span<const std::byte> bytes);
std::string digest_text(std::string_view text);

}  // namespace nsajit
