#pragma once
// Streaming: what CUDA operations have in common that only move memory: which machines they run on, how long they take.
// Pure functions.

#include <string_view>

#include "nsajit/prediction.h"
#include "nsajit/target.h"

namespace nsajit::templates {

// Throws Error{Unsupported} below SM 80: the conversions to bf16 need it.
void check_streaming_target(std::string_view op, const Target& target);

// One launch that moves `bytes` through device memory as fast as a copy does.
Prediction predict_streaming(double bytes, const Target& target);

}  // namespace nsajit::templates
