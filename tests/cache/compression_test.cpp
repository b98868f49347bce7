// Compression: what goes in comes out, and damage is an answer.

#include "cache/compression.h"

#include <catch2/catch_all.hpp>

#include "tests/cache/sample_records.h"

namespace nsajit::cache {

TEST_CASE("a compressed binary is smaller and comes back whole") {
  const auto code = sample_binary().code;
  const auto compressed = compress(code);
  REQUIRE(compressed.size() < code.size());
  REQUIRE(find_decompressed(compressed, code.size()) == code);
}

TEST_CASE("an empty binary comes back empty") {
  const auto restored = find_decompressed(compress({}), 0);
  REQUIRE(restored.has_value());
  REQUIRE(restored->empty());
}

TEST_CASE("a truncated frame is not decompressed") {
  auto compressed = compress(sample_binary().code);
  compressed.resize(compressed.size() / 2);
  REQUIRE_FALSE(find_decompressed(compressed, sample_binary().code.size()).has_value());
}

TEST_CASE("a frame of another size than recorded is not decompressed") {
  const auto code = sample_binary().code;
  REQUIRE_FALSE(find_decompressed(compress(code), code.size() + 1).has_value());
  REQUIRE_FALSE(find_decompressed(compress(code), std::size_t{1} << 62).has_value());
}

}  // namespace nsajit::cache
