// Digest: see digest.h. The door to xxHash.
#include "core/digest.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace nsajit {
namespace {

std::string digest_of(const void* data, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(data, size);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

std::string digest_bytes(std::span<const std::byte> bytes) { return digest_of(bytes.data(), bytes.size()); }

std::string digest_text(std::string_view text) { return digest_of(text.data(), text.size()); }

std::size_t hash_values(std::span<const std::int64_t> values) noexcept { return XXH3_64bits(values.data(), values.size_bytes()); }

}  // namespace nsajit
