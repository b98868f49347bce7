#pragma once
// Element values: float to and from the storage types of tensors on the host, rounding to nearest even; the device has its own
// conversions. Pure.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nsajit/op.h"

namespace nsajit {

inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
inline float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

inline std::uint16_t to_fp16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // 65520 and above round to infinity
  std::uint32_t half = 0;
  if (magnitude < 0x38800000)  // below 2^-14: subnormal, a multiple of 2^-24
    half = static_cast<std::uint32_t>(std::nearbyint(std::bit_cast<float>(magnitude) * 16777216.0f));
  else
    half = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  return static_cast<std::uint16_t>(sign | half);
}
inline float from_fp16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16, exponent = (bits >> 10) & 31,
                      fraction = bits & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) return std::copysign(static_cast<float>(fraction) / 16777216.0f, std::bit_cast<float>(sign | 0x3f800000));
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// INT32 is not a number type here.
inline void store_element(std::byte* base, ElementType type, std::int64_t index, float x) {
  if (type == ElementType::FP32) {
    std::memcpy(base + 4 * index, &x, 4);
    return;
  }
  const std::uint16_t bits = type == ElementType::BF16 ? to_bf16(x) : to_fp16(x);
  std::memcpy(base + 2 * index, &bits, 2);
}
inline float load_element(const std::byte* base, ElementType type, std::int64_t index) {
  if (type == ElementType::FP32) {
    float x = 0;
    std::memcpy(&x, base + 4 * index, 4);
    return x;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, base + 2 * index, 2);
  return type == ElementType::BF16 ? from_bf16(bits) : from_fp16(bits);
}

// What `x` becomes when it is stored and read back.
inline float round_element(ElementType type, float x) {
  if (type == ElementType::FP32) return x;
  return type == ElementType::BF16 ? from_bf16(to_bf16(x)) : from_fp16(to_fp16(x));
}

}  // namespace nsajit
