#pragma once
// Compressed count: how many compressed tokens there are; token i stands for the raw tokens [i*d, i*d + l).

#include <cstdint>

#include "nsajit/problem.h"

namespace nsajit {

// Those that end within the first `length` raw ones; num_cmp(t) is that of t + 1.
constexpr std::int64_t count_compressed(std::int64_t l, std::int64_t d, std::int64_t length) {
  return length < l ? 0 : (length - l) / d + 1;
}
inline std::int64_t count_compressed(const Problem& p, std::int64_t length) { return count_compressed(p.l, p.d, length); }

}  // namespace nsajit
