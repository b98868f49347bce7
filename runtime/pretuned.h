#pragma once
// Pretuned: decisions that were measured on some GPU models and come with this build (cache/pretuned, as `nsajit cache export
// --decisions` writes them). They serve a device of the same identity where the user's own cache knows nothing of a tuple.
// Safe to call from any thread.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::runtime {

struct PretunedTuple {
  std::vector<cache::WinnerRecord> winners;         // the newest first
  std::optional<cache::ThresholdRecord> threshold;  // of the name that was asked for
};

// `device`: to_string of a Target. Empty where nothing came along; a file that cannot be read is a warning.
PretunedTuple find_pretuned(const std::string& problem, const std::string& device, const std::string& threshold_name);

}  // namespace nsajit::runtime
