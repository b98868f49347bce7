#pragma once
// GoldenFiles: what was ever released, as it was written then. A cache file of every schema version holds one device and
// run, a baseline, a winner with its binary, a failed trial and a threshold, all of sample_records.h.

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "cache/cache.h"
#include "cache/record_json.h"

namespace nsajit::cache {

// [0] is version 1. The size fails to compile for a version without its file.
std::array<std::span<const std::byte>, kSchemaVersion> golden_files();

// An export of every format: sample_content({.trials = 3, .winners = 1, .seed = 1}).
std::array<std::string_view, ExportHeader::kVersion> golden_exports();

}  // namespace nsajit::cache
