// Compression: zstd frames that carry their content size.

#include "cache/compression.h"

#include <fmt/format.h>
#include <zstd.h>

#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

// zstd's own default: a binary is written once per compile, so neither speed nor the last per cent matters.
constexpr int kLevel = 3;
// No kernel comes near this; a damaged size must not become an allocation.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

}  // namespace

std::vector<std::byte> compress(std::span<const std::byte> bytes) {
  std::vector<std::byte> result(ZSTD_compressBound(bytes.size()));
  const std::size_t written = ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(written) != 0) {
    throw Error(ErrorCode::Cache,
                fmt::format("cannot compress a binary of {} bytes: zstd: {}", bytes.size(), ZSTD_getErrorName(written)));
  }
  result.resize(written);
  return result;
}

std::optional<std::vector<std::byte>> find_decompressed(std::span<const std::byte> compressed, std::size_t size) {
  if (size > kMaxBytes || ZSTD_getFrameContentSize(compressed.data(), compressed.size()) != size) return std::nullopt;
  std::vector<std::byte> result(size);
  const std::size_t read = ZSTD_decompress(result.data(), result.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(read) != 0 || read != size) return std::nullopt;
  return result;
}

}  // namespace nsajit::cache
