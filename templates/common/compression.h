#pragma once
// Compression: where the compressed tokens of sequences lie. core/compressed_count.h says which tokens one stands for.

#include <cstdint>
#include <vector>

#include "core/compressed_count.h"
#include "nsajit/workload.h"

namespace nsajit::templates {

// Compressed tokens before each sequence, then those of all.
std::vector<std::int32_t> compressed_starts(const Workload& workload);
// Rows of a tensor that has one per compressed token: of one sequence; of all together where they are packed. A tensor
// without rows cannot be allocated: where nothing is compressed yet, one row lies there and is never read.
std::int64_t count_compressed_rows(const Workload& workload);

}  // namespace nsajit::templates
