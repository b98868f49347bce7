#pragma once
// Scoring model: what a launch is expected to take on CUDA, with the log-sum-exp given. To rank configs before they are tried,
// not to promise times.

#include <optional>

#include "nsajit/op.h"

namespace nsajit::templates::scoring {

// nullopt: not CUDA, or in fp32.
std::optional<Prediction> predict_scoring(const Workload& workload, const Config& config, const Target& target);

}  // namespace nsajit::templates::scoring
