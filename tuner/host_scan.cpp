// HostScan: a piece is first asked as a whole, without a branch per element, which compilers turn into vector
// instructions; only a piece that has something is looked through for where.

#include "tuner/host_scan.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "core/assert.h"

namespace nsajit::tuner {
namespace {

constexpr std::int64_t kPieceBytes = 1 << 20;
// Starting threads costs some hundred microseconds: worth it from here on.
constexpr std::int64_t kParallelBytes = std::int64_t{16} << 20;
constexpr unsigned kMostThreads = 8;  // memory is saturated by then
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

// The least of what look(begin, end) answers over the pieces of [0, total); kNone: nothing anywhere.
template <typename Look>
std::optional<std::int64_t> find_first(std::int64_t total, std::int64_t piece, std::int64_t element_bytes, const Look& look) {
  std::atomic<std::int64_t> next{0}, found{kNone};
  const auto work = [&] {
    for (std::int64_t begin = next.fetch_add(piece); begin < total && begin < found.load(); begin = next.fetch_add(piece)) {
      const std::int64_t at = look(begin, std::min(begin + piece, total));
      std::int64_t before = found.load();
      while (at < before && !found.compare_exchange_weak(before, at)) {}
    }
  };
  {
    std::vector<std::jthread> threads;
    const unsigned wanted =
        total * element_bytes < kParallelBytes ? 1 : std::min(std::thread::hardware_concurrency(), kMostThreads);
    for (unsigned i = 1; i < wanted; ++i) threads.emplace_back(work);
    work();
  }
  return found == kNone ? std::nullopt : std::optional(found.load());
}

template <typename Bits>
std::optional<std::int64_t> scan_bits(std::span<const std::byte> data, Bits exponent, std::optional<Bits> allowed) {
  NSAJIT_ASSERT(data.size() % sizeof(Bits) == 0, "a scan reads whole elements");
  NSAJIT_ASSERT(reinterpret_cast<std::uintptr_t>(data.data()) % alignof(Bits) == 0, "a scan reads aligned elements");
  const Bits* const bits = reinterpret_cast<const Bits*>(data.data());
  // What is not allowed to differ from anything: an exponent that is not full, and so never asked for.
  const Bits spared = allowed.value_or(0);
  const auto is_bad = [=](Bits value) { return (value & exponent) == exponent && value != spared; };
  constexpr auto kWidth = static_cast<std::int64_t>(sizeof(Bits));
  return find_first(static_cast<std::int64_t>(data.size()) / kWidth, kPieceBytes / kWidth, kWidth,
                    [&](std::int64_t begin, std::int64_t end) {
                      Bits bad = 0;
                      for (std::int64_t i = begin; i < end; ++i)
                        bad = static_cast<Bits>(bad | static_cast<Bits>(is_bad(bits[i])));
                      return bad == 0 ? kNone : std::find_if(bits + begin, bits + end, is_bad) - bits;
                    });
}

}  // namespace

std::optional<std::int64_t> find_difference(std::span<const std::byte> a, std::span<const std::byte> b) {
  NSAJIT_ASSERT(a.size() == b.size(), "what is compared has one length");
  return find_first(static_cast<std::int64_t>(a.size()), kPieceBytes, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::byte* const left = a.data() + begin;
    const std::byte* const right = b.data() + begin;
    if (std::memcmp(left, right, static_cast<std::size_t>(end - begin)) == 0) return kNone;
    return begin + (std::mismatch(left, left + (end - begin), right).first - left);
  });
}

std::optional<std::int64_t> find_non_finite(std::span<const std::byte> data, std::uint16_t exponent) {
  return scan_bits<std::uint16_t>(data, exponent, std::nullopt);
}

std::optional<std::int64_t> find_non_finite(std::span<const std::byte> data, std::uint32_t exponent,
                                            std::optional<std::uint32_t> allowed) {
  return scan_bits<std::uint32_t>(data, exponent, allowed);
}

}  // namespace nsajit::tuner
