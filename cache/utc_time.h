#pragma once
// UtcTime: the wall clock as the cache writes it. For people to read; nothing is ordered by it.

#include <string>

namespace nsajit::cache {

// "2026-01-31T17:05:09Z"
std::string utc_now();

}  // namespace nsajit::cache
