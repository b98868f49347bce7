// Streaming: a launch and its bytes.

#include "templates/common/streaming.h"

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/chip_rates.h"

namespace nsajit::templates {

void check_streaming_target(std::string_view op, const Target& target) {
  if (target.arch >= 80) return;
  throw Error(ErrorCode::Unsupported, fmt::format("{} on {}: the kernels need SM 80 or newer (conversion to bf16), this is SM {}",
                                                  op, target.name, target.arch));
}

Prediction predict_streaming(double bytes, const Target& target) {
  if (!has_known_rates(target)) return {.bound = "unknown", .hbm_bytes = bytes, .l2_bytes = bytes};
  const double moving_us = bytes / kHbmBytes;
  return {.time_us = kLaunchUs + moving_us,
          .bound = moving_us > kLaunchUs ? "HBM" : "launches",
          .hbm_bytes = bytes,
          .l2_bytes = bytes};
}

}  // namespace nsajit::templates
