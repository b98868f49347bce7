// A guard carries the byte that its buffer was last filled with: one fill of the device sets tensor and guards.

#include "tuner/guarded_buffer.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace nsajit::tuner {

GuardedBuffer::GuardedBuffer(runtime::Device& device, std::int64_t bytes)
    : device_(device), bytes_(bytes), buffer_(device.allocate(bytes + 2 * kGuardBytes)) {}

void* GuardedBuffer::address() const { return static_cast<std::byte*>(buffer_->address()) + kGuardBytes; }

void GuardedBuffer::poison(std::byte value) {
  guard_ = value;
  device_.fill(*buffer_, value);
}

void GuardedBuffer::upload(std::span<const std::byte> data) {
  guard_ = kPoison;
  std::vector<std::byte> image(static_cast<std::size_t>(bytes_ + 2 * kGuardBytes), kPoison);
  std::copy(data.begin(), data.end(), image.begin() + kGuardBytes);
  device_.copy_in(*buffer_, image);
}

void GuardedBuffer::download(std::span<std::byte> destination, std::int64_t offset) const {
  if (!destination.empty()) device_.copy_out(destination, *buffer_, kGuardBytes + offset);
}

std::optional<std::string> GuardedBuffer::find_damage() const {
  std::vector<std::byte> guard(static_cast<std::size_t>(kGuardBytes));
  for (const bool after : {false, true}) {
    device_.copy_out(guard, *buffer_, after ? kGuardBytes + bytes_ : 0);
    const auto damaged = [this](std::byte value) { return value != guard_; };
    const auto first = std::find_if(guard.begin(), guard.end(), damaged);
    if (first == guard.end()) continue;
    return fmt::format("guard {} overwritten: {} bytes, the first {} bytes {}", after ? "after the end" : "before the start",
                       std::count_if(guard.begin(), guard.end(), damaged), after ? first - guard.begin() : guard.end() - first,
                       after ? "past it" : "ahead of it");
  }
  return std::nullopt;
}

}  // namespace nsajit::tuner
