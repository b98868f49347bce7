// Fp32Footprint: shared memory, registers and barriers of a block, and how many an SM holds.

#include "templates/selection/cuda_fp32_footprint.h"

#include <algorithm>

#include "templates/common/residency.h"
#include "templates/selection/cuda_variants.h"

namespace nsajit::templates {
namespace {

constexpr int kElementBytes = 4;
constexpr int kMaxHeads = 8;  // of one warp

int divide_up(int a, int b) { return (a + b - 1) / b; }

}  // namespace

Fp32Footprint fp32_footprint(const Problem& problem, const Config& config, const Target& target) {
  const int keys = config.at("keys"), stages = config.at("stages"), queries = config.at("queries"),
            key_warps = config.at("key_warps");
  const int head_warps = divide_up(problem.group, kMaxHeads), row_warps = head_warps * key_warps;
  Fp32Footprint f;
  f.heads = divide_up(problem.group, head_warps);
  f.threads = kWarpThreads * row_warps * queries;
  const int stage = keys * (kElementBytes * (problem.dk + problem.dv) + 32);
  const int partials = row_warps * f.heads * (problem.dv + 8) * 4;
  const int stats = divide_up(row_warps * f.heads * 8, 16) * 16;
  const int scratch = row_warps * f.heads * (problem.dk + keys) * 4;
  f.smem_bytes = queries * (std::max(key_warps * stages * stage, partials) + stats + scratch);
  f.registers = 88 + f.heads * (4 * divide_up(problem.dv, 128) + 4) + 16 * divide_up(problem.dv, 128);
  f.barriers = queries * ((row_warps > 1 ? 1 : 0) + (head_warps > 1 ? key_warps : 0));
  const auto by_smem = target.smem_sm_bytes / (f.smem_bytes + kSmemReserved);
  const auto by_registers = target.registers_sm / (std::int64_t{f.threads} * f.registers);
  f.blocks_per_sm = static_cast<int>(std::min<std::int64_t>(by_smem, by_registers));
  f.bytes_in_flight =
      std::int64_t{f.blocks_per_sm} * queries * key_warps * (stages - 1) * keys * kElementBytes * (problem.dk + problem.dv);
  return f;
}

}  // namespace nsajit::templates
