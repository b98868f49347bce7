// Conversions of storage types, against values known by hand, and the loops over threads.

#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <catch2/catch_all.hpp>

#include "templates/common/host_elements.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

int count_broken_round_trips(float (*read)(std::uint16_t), std::uint16_t (*write)(float)) {
  int broken = 0;
  for (int bits = 0; bits < 65536; ++bits) {
    const float x = read(static_cast<std::uint16_t>(bits));
    if (!std::isnan(x) && write(x) != bits) ++broken;
  }
  return broken;
}

}  // namespace

TEST_CASE("every bf16 and fp16 number survives a round trip through float") {
  CHECK(count_broken_round_trips(from_bf16, to_bf16) == 0);
  CHECK(count_broken_round_trips(from_fp16, to_fp16) == 0);
}

TEST_CASE("floats round to the nearest storage value, ties to even") {
  CHECK(from_bf16(to_bf16(1.0f + 1.0f / 256)) == 1.0f);
  CHECK(from_bf16(to_bf16(1.0f + 3.0f / 256)) == 1.0f + 4.0f / 256);
  CHECK(from_fp16(to_fp16(1.0f + 1.0f / 2048)) == 1.0f);
  CHECK(from_fp16(to_fp16(1.0f + 3.0f / 2048)) == 1.0f + 4.0f / 2048);
  CHECK(from_fp16(to_fp16(65519.0f)) == 65504.0f);
  CHECK(std::isinf(from_fp16(to_fp16(65520.0f))));
  CHECK(from_fp16(to_fp16(0x1p-25f)) == 0.0f);
  CHECK(from_fp16(to_fp16(0x1.8p-24f)) == 0x1p-23f);
}

TEST_CASE("NaN stays NaN in every storage type") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(from_bf16(to_bf16(nan))));
  CHECK(std::isnan(from_fp16(to_fp16(nan))));
}

TEST_CASE("pieces cover every index once") {
  std::atomic<std::int64_t> sum{0};
  for_each_piece(1001, 10, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) sum += i;
  });
  CHECK(sum == 1000 * 1001 / 2);
}

TEST_CASE("an exception of a piece reaches the caller") {
  CHECK_THROWS_AS(for_each_piece(10, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("piece"); }),
                  std::runtime_error);
}
