#pragma once
// GuardedBuffer: a tensor on the device between two guard regions, so that a kernel that writes before its
// start or past its end is caught, and one that reads there gets NaN.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace nsajit::tuner {

// A misplaced tile of the largest heads (64 rows of 256 16-bit values) fits; a multiple of 256 keeps the
// tensor as aligned as the buffer.
inline constexpr std::int64_t kGuardBytes = 32 * 1024;

// NaN in every floating-point type, -1 (unused, out of range) as an int32.
inline constexpr std::byte kPoison{0xFF};

class GuardedBuffer {
 public:
  GuardedBuffer(runtime::Device& device, std::int64_t bytes);

  void* address() const;                         // of the tensor, not of the guard before it
  void poison(std::byte value);                  // tensor and guards
  void upload(std::span<const std::byte> data);  // guards become kPoison
  void download(std::span<std::byte> destination, std::int64_t offset) const;
  // "guard after the end overwritten: 4 bytes from byte 0 on".
  std::optional<std::string> find_damage() const;

 private:
  runtime::Device& device_;
  std::int64_t bytes_;
  std::byte guard_ = kPoison;
  std::unique_ptr<runtime::Buffer> buffer_;
};

}  // namespace nsajit::tuner
