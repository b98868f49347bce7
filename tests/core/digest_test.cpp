// Digest: fixed values, since stored keys depend on them.
#include "core/digest.h"

#include <array>

#include <catch2/catch_all.hpp>

using namespace nsajit;

TEST_CASE("a digest is XXH3-128 in hexadecimal, the same in every version") {
  CHECK(digest_text("") == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("text and the same bytes have one digest") {
  const std::array<std::byte, 3> bytes{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  CHECK(digest_bytes(bytes) == digest_text("abc"));
  CHECK(digest_text("abc").size() == 32);
}

TEST_CASE("a changed byte changes the digest") {
  CHECK(digest_text("abc") != digest_text("abd"));
  CHECK(digest_text("abc") != digest_text(std::string("abc\0", 4)));
}

TEST_CASE("the order of values changes their hash") {
  CHECK(hash_values(std::array<std::int64_t, 2>{1, 2}) != hash_values(std::array<std::int64_t, 2>{2, 1}));
}
