#pragma once
// Compression: which tokens a compressed token stands for. Token i covers the raw tokens [i*d, i*d + l).

#include <cstdint>

#include "nsajit/problem.h"

namespace nsajit::templates {

// Compressed tokens that end within the first `length` raw ones; num_cmp(t) is that of t + 1.
inline std::int64_t count_compressed(const Problem& p, std::int64_t length) {
  return length < p.l ? 0 : (length - p.l) / p.d + 1;
}

}  // namespace nsajit::templates
