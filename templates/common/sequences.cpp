// Sequences: packed ones have lengths that depend on nothing but the workload.

#include "templates/common/sequences.h"

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/mix_bits.h"

namespace nsajit::templates {

std::int64_t sequence_length(const Workload& w, std::int64_t b) {
  if (!has_packed_sequences(w) || b == w.B - 1) return w.S;
  if (b % 3 == 1) return 0;
  return 1 + static_cast<std::int64_t>(mix_bits(static_cast<std::uint64_t>(b)) % static_cast<std::uint64_t>(w.S));
}

std::int64_t rows_before(const Workload& w, std::int64_t b) {
  if (!has_packed_sequences(w)) return b * w.S;
  std::int64_t rows = 0;
  for (std::int64_t before = 0; before < b; ++before) rows += sequence_length(w, before);
  return rows;
}

std::vector<std::int32_t> sequence_starts(const Workload& w) {
  std::vector<std::int32_t> starts{0};
  for (std::int64_t b = 0; b < w.B; ++b) starts.push_back(starts.back() + static_cast<std::int32_t>(sequence_length(w, b)));
  return starts;
}

void check_packed_lengths(std::string_view op, const Workload& w) {
  if (!has_packed_sequences(w) || w.S == w.S_kv) return;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("launch {} for {}: packed sequences have as many keys as rows; give S and S_kv the longest length", op,
                          to_string(w)));
}

std::vector<std::int64_t> sample_rows(const Workload& w, std::int64_t count) {
  const std::int64_t total = w.B * w.S * w.G;
  std::vector<std::int64_t> rows;
  const std::int64_t samples = count <= 0 ? total : std::min(count, total);
  const std::int64_t stride = std::max<std::int64_t>(1, total / samples);
  // The shift inside a stride keeps samples from meeting the same group or tile row each time.
  for (std::int64_t i = 0; i < samples; ++i)
    rows.push_back(i * (total - 1) / std::max<std::int64_t>(1, samples - 1) / stride * stride + i * 7 % stride);
  for (std::int64_t& row : rows) row = std::min(row, total - 1);
  rows.push_back(total - 1);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  std::erase_if(rows, [&](std::int64_t row) {
    const RowIndex at = split_row(w, row);
    return at.s >= sequence_length(w, at.b);
  });
  return rows;
}

Op::RowSlice slice_of_row(const Workload& w, std::int64_t row, std::int64_t count) {
  const RowIndex at = split_row(w, row);
  if (at.s >= sequence_length(w, at.b)) return {};
  return {.begin = ((rows_before(w, at.b) + at.s) * w.G + at.g) * count, .count = count};
}

}  // namespace nsajit::templates
