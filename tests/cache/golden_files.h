#pragma once
// GoldenFiles: a cache file of every schema version that was ever released, as that version wrote it: one device and run,
// a baseline, a winner with its binary, a failed trial and a threshold, all of sample_records.h.

#include <array>
#include <cstddef>
#include <span>

#include "cache/cache.h"

namespace nsajit::cache {

// [0] is version 1. The size fails to compile for a version without its file.
std::array<std::span<const std::byte>, kSchemaVersion> golden_files();

}  // namespace nsajit::cache
