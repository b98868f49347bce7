#pragma once
// Compression: which tokens a compressed token stands for. Token i covers the raw tokens [i*d, i*d + l).

#include <cstdint>
#include <vector>

#include "nsajit/workload.h"

namespace nsajit::templates {

// Compressed tokens that end within the first `length` raw ones; num_cmp(t) is that of t + 1.
inline std::int64_t count_compressed(const Problem& p, std::int64_t length) {
  return length < p.l ? 0 : (length - p.l) / p.d + 1;
}

// Compressed tokens before each sequence, then those of all.
std::vector<std::int32_t> compressed_starts(const Workload& workload);
// Rows of a tensor that has one per compressed token: of one sequence; of all together where they are packed. A tensor
// without rows cannot be allocated: where nothing is compressed yet, one row lies there and is never read.
std::int64_t count_compressed_rows(const Workload& workload);

}  // namespace nsajit::templates
