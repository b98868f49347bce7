#pragma once
// Replay files: recorded spaces from caches and from text, each with what the model of its operation expects.

#include <string>
#include <vector>

#include "tuner/replay.h"

namespace nsajit::cli {

// Caches and texts are told apart by their first bytes. Throws Error{NotFound, InvalidArgument}.
std::vector<tuner::RecordedSpace> load_recorded(const std::vector<std::string>& paths);

void save_recorded(const std::string& path, const std::vector<tuner::RecordedSpace>& spaces);

// What the model expects of each trial; empty where this build has no model of the device or cannot read the space.
std::vector<double> expect_trials(const tuner::RecordedSpace& space);

}  // namespace nsajit::cli
