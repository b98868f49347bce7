// Decode model: CTAs come in waves. A wave takes what a step waits for one after the other (barriers, the first tile of each
// phase), and then its bytes or its tiles, whichever is more.

#include "templates/decode/decode_model.h"

#include <algorithm>
#include <cmath>

#include "templates/common/chip_rates.h"
#include "templates/common/residency.h"
#include "templates/decode/decode_backends.h"
#include "templates/decode/decode_op.h"

namespace nsajit::templates::decode {
namespace {

constexpr double kPhasesUs = 12;         // of a wave: beginning, barriers, choice of blocks, sums of outputs
constexpr double kRoundUs = 1.5;         // a tile that is asked for when the one before is done
constexpr double kTileUs = 0.6;          // a warp's work on 16 keys; on 32 half as much again
constexpr double kProcessorBytes = 6e4;  // per microsecond, from L2 to one SM

std::int64_t resident_blocks(const Problem& p, const LaunchStep& step, const Target& target) {
  const std::int64_t registers = std::min(255, p.dk / 4 + p.dv / 2 + 130), threads = step.block[0];
  const std::int64_t by_smem = target.smem_sm_bytes / (step.smem_bytes + kSmemReserved);
  return std::max<std::int64_t>(1, std::min(by_smem, target.registers_sm / (threads * registers)));
}

}  // namespace

std::optional<Prediction> predict_step(const Workload& w, const Config& config, const Target& target) {
  if (target.backend != Backend::Cuda) return std::nullopt;
  const LaunchPlan plan = kCudaFunctions.plan(w, config, target);
  const LaunchStep& step = plan.steps.front();
  const Problem& p = w.problem;
  const double row_bytes = static_cast<double>((p.dk + p.dv) * static_cast<std::int64_t>(element_bytes(p.dtype)));
  const double tokens = static_cast<double>(actual_decode_reads(p, w.S_kv, w.n).total()) * static_cast<double>(w.B * w.G);
  const double spilled = plan.workspace_bytes > 0 ? 2 * static_cast<double>(plan.workspace_bytes) : 0;
  Prediction prediction{.hbm_bytes = tokens * row_bytes, .l2_bytes = tokens * row_bytes + spilled};
  if (!has_known_rates(target)) return prediction;
  const double ctas = step.grid[0], processors = target.processors, warps = step.block[0] / 32.0;
  const double resident = std::min(static_cast<double>(resident_blocks(p, step, target)), std::ceil(ctas / processors));
  const double waves = std::ceil(ctas / (processors * resident));
  const double rate = std::min(kProcessorBytes, kHbmBytes / std::min(processors, ctas));
  const double bytes_us = resident * prediction.l2_bytes / ctas / rate;
  const double tiles = std::ceil(tokens / ctas / config.at("keys") / warps);
  const double tiles_us = tiles * kTileUs * (config.at("keys") > 16 ? 1.5 : 1.0);
  const double rounds_us = kRoundUs * std::ceil(tiles / config.at("stages"));
  const double waiting_us = kPhasesUs + std::min(rounds_us, kRoundUs * 4);
  const double working_us = std::max({bytes_us, tiles_us, rounds_us});
  prediction.time_us = kLaunchUs + waves * (waiting_us + working_us);
  prediction.bound = waiting_us > working_us ? "latency" : bytes_us >= tiles_us ? "HBM" : "tensor cores";
  return prediction;
}

}  // namespace nsajit::templates::decode
