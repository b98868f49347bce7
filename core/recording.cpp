// Recording: see the header.
#include "nsajit/recording.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/digest.h"
#include "core/npy.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

constexpr std::string_view kForms = "a selection is ranges [B,S,G,n,2] or block_indices [B,S,G,n], each at least 1";

void check_shape(const std::vector<std::int64_t>& shape, const std::string& path) {
  const bool ranges = shape.size() == 5 && shape.back() == 2;
  const bool positive = std::all_of(shape.begin(), shape.end(), [](std::int64_t length) { return length >= 1; });
  if ((ranges || shape.size() == 4) && positive) return;
  throw Error(ErrorCode::InvalidArgument, fmt::format("read {}: its shape is ({}); {}", path, fmt::join(shape, ", "), kForms));
}

// The leading 64 bits of a digest over shape and contents. 0 stands for no recording.
std::uint64_t digest_of(const NpyArray& array) {
  const std::string text =
      fmt::format("{}:{}", fmt::join(array.shape, ","), digest_bytes(std::as_bytes(std::span(array.values))));
  const std::string digits = digest_text(text).substr(0, 16);
  std::uint64_t digest = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), digest, 16);
  return std::max<std::uint64_t>(digest, 1);
}

}  // namespace

Recording load_recording(const std::string& path) {
  const NpyArray array = read_npy(path);
  check_shape(array.shape, path);
  Recording recording{.path = path,
                      .digest = digest_of(array),
                      .sel = {.spec = {.name = "sel", .type = ElementType::INT32, .shape = array.shape}}};
  recording.sel.data.resize(array.values.size() * sizeof(std::int32_t));
  std::memcpy(recording.sel.data.data(), array.values.data(), recording.sel.data.size());
  return recording;
}

const Recording& Recordings::add(Recording recording) {
  const std::uint64_t digest = recording.digest;
  return by_digest_.try_emplace(digest, std::move(recording)).first->second;
}

void Recordings::add(Recordings others) { by_digest_.merge(others.by_digest_); }

const Recording& Recordings::get(std::uint64_t digest) const {
  const auto found = by_digest_.find(digest);
  if (found != by_digest_.end()) return found->second;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("the recorded selection {} is not among the {} files that were read; give its file with --selection "
                          "(or it changed since)",
                          selection_digits(digest), by_digest_.size()));
}

std::vector<std::string> Recordings::paths() const {
  std::vector<std::string> paths;
  for (const auto& [digest, recording] : by_digest_) paths.push_back(recording.path);
  return paths;
}

}  // namespace nsajit
