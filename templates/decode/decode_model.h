#pragma once
// Decode model: what a step is expected to take on CUDA. To rank configs before they are tried, not to promise times.

#include <optional>

#include "nsajit/op.h"

namespace nsajit::templates::decode {

// nullopt: not CUDA.
std::optional<Prediction> predict_step(const Workload& workload, const Config& config, const Target& target);

}  // namespace nsajit::templates::decode
