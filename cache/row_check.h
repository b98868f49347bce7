#pragma once
// RowCheck: does a row say things that can be true? What an import must pass before anything of it is stored, and what
// verify holds a stored row against. Pure functions; each answers the first fault, nullopt where there is none.

#include <optional>
#include <string>

#include "cache/content.h"

namespace nsajit::cache {

using Fault = std::optional<std::string>;  // completes "trial 7: ..."

Fault find_fault(const DeviceRecord& device);
Fault find_fault(const RunRecord& run);
Fault find_fault(const KeyedTrial& trial);
Fault find_fault(const ThresholdRecord& threshold);

// A winner against the trials that it names. `baseline` may be null where it names none.
Fault find_fault(const WinnerRecord& winner, const KeyedTrial& trial, const KeyedTrial* baseline);

// A winner and the rows of `content` that it names.
Fault find_dangling_of(const Content& content, const KeyedWinner& winner);

// Every reference of a row of `content` leads to a row of `content` that fits. The message names the row.
Fault find_dangling(const Content& content);

}  // namespace nsajit::cache
