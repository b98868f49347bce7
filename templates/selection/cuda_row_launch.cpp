// The launches that variants have in common: rows of a workload, whether maps of its keys fit beside them, and packed SDPA's
// chunks of gathered rows (the arithmetic of packed_sdpa.cuh).

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/cuda_variants.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 30;  // workspace of packed SDPA

// Of packed K and V and the pair of ints beside them.
std::int64_t packed_row_bytes(const Problem& problem) {
  const auto width = static_cast<std::int64_t>(element_bytes(problem.dtype));
  return std::int64_t{problem.n_sel} * problem.l_sel * width * (problem.dk + problem.dv) + 8;
}

// Largest number of rows that a workspace of kChunkBytes holds.
std::int64_t chunk_rows(const Problem& problem) {
  return std::clamp<std::int64_t>(kChunkBytes / packed_row_bytes(problem), 64, 1 << 20);
}

}  // namespace

LaunchPlan plan_rows(const Workload& workload, const RowBlock& block) {
  LaunchPlan plan;
  plan.steps.push_back({.entry = 0,
                        .grid = {blocks_for(workload.S, block.queries), static_cast<std::uint32_t>(workload.G),
                                 static_cast<std::uint32_t>(workload.B)},
                        .block = {static_cast<std::uint32_t>(block.threads), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(block.smem_bytes)});
  return plan;
}

void require_maps_fit(const Workload& workload, const Config& config, const Target& target, std::int64_t smem_bytes,
                      const char* maps) {
  if (smem_bytes <= target.smem_bytes) return;
  throw Error(
      ErrorCode::Unsupported,
      fmt::format("launch {} for {}: the {} of S_kv={} need {} bytes of shared memory, {} has {}; use another variant",
                  to_string(config), to_string(workload), maps, workload.S_kv, smem_bytes, target.name, target.smem_bytes));
}

Unit finish_packed_unit(Unit unit, const Problem& problem, int threads) {
  unit.template_path = "selection/packed_sdpa.cuh";
  unit.entries = {"selection_pack", "selection_attend_packed"};
  unit.bodies = {"nsajit::selection::pack_selected", "nsajit::selection::attend_packed"};
  unit.bounds = {{.threads = threads}, {.threads = threads}};
  unit.fields.emplace_back("max_tokens", problem.n_sel * problem.l_sel);
  unit.fields.emplace_back("chunk_rows", static_cast<int>(chunk_rows(problem)));
  return unit;
}

LaunchPlan plan_packed_rows(const Workload& workload, const RowBlock& block) {
  const std::int64_t rows = workload.B * workload.G * workload.S;
  const std::int64_t chunk = std::min(chunk_rows(workload.problem), rows);
  LaunchPlan plan;
  plan.workspace_bytes = chunk * packed_row_bytes(workload.problem);
  LaunchStep pack{.entry = 0, .block = {static_cast<std::uint32_t>(block.threads), 1, 1}};
  LaunchStep attend{.entry = 1, .block = pack.block, .smem_bytes = static_cast<std::uint32_t>(block.smem_bytes)};
  for (std::int64_t first = 0; first < rows; first += chunk) {
    const std::int64_t count = std::min(chunk, rows - first);
    pack.grid[0] = static_cast<std::uint32_t>(count);
    attend.grid[0] = blocks_for(count, block.queries);
    pack.first_row = attend.first_row = first;
    plan.steps.push_back(pack);
    plan.steps.push_back(attend);
  }
  return plan;
}

}  // namespace nsajit::templates
