#pragma once
// Pretuned: decisions that were measured on some GPU models and come with this build (cache/pretuned, as `nsajit cache export
// --decisions` writes them). They serve a device of the same identity where the user's own cache knows nothing of a tuple.
// Safe to call from any thread.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::runtime {

// `device`: to_string of a Target. The newest first. Empty where nothing came along; a file that cannot be read is a warning.
std::vector<cache::WinnerRecord> pretuned_winners(const std::string& device);
std::optional<cache::ThresholdRecord> pretuned_threshold(const std::string& name, const cache::WinnerRecord& winner);

}  // namespace nsajit::runtime
