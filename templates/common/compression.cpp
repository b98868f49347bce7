// Compression: see the header.

#include "templates/common/compression.h"

#include <algorithm>

#include "templates/common/sequences.h"

namespace nsajit::templates {

std::vector<std::int32_t> compressed_starts(const Workload& w) {
  std::vector<std::int32_t> starts{0};
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = has_packed_sequences(w) ? sequence_length(w, b) : w.S_kv;
    starts.push_back(starts.back() + static_cast<std::int32_t>(count_compressed(w.problem, length)));
  }
  return starts;
}

std::int64_t count_compressed_rows(const Workload& w) {
  const std::int64_t rows = has_packed_sequences(w) ? compressed_starts(w).back() : count_compressed(w.problem, w.S_kv);
  return std::max<std::int64_t>(1, rows);
}

}  // namespace nsajit::templates
