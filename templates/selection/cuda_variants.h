#pragma once
// The CUDA variants of selection forward, one file each. A variant offers a grid of configs, turns one into a unit, and
// plans its launch; selection_cuda_space.cpp joins them. Pure functions, safe to call from any thread.

#include "nsajit/launch_plan.h"
#include "nsajit/op.h"

namespace nsajit::templates {

struct CudaVariant {
  const char* name;
  VariantSpace (*space)(const Problem&, const Target&);
  Unit (*unit)(const Problem&, const Config&, const Target&);
  LaunchPlan (*plan)(const Workload&, const Config&, const Target&);
};

// A CTA streams each of its rows' selected tokens once; the form that works everywhere, the default.
extern const CudaVariant kCudaQueryMajor;
// The same with a cluster of CTAs per row, SM 90 and up: for few rows.
extern const CudaVariant kCudaQuerySplit;
// A CTA streams the union of its rows' tiles: fewer bytes where neighbours select alike or S is short.
extern const CudaVariant kCudaQueryUnion;
// The same with the rows of many queries as one matrix, SM 90a only: short sequences, overlapping selections.
extern const CudaVariant kCudaQueryUnionWgmma;
// K and V of a tile stay, the rows that selected it pass by: few heads per group, any length.
extern const CudaVariant kCudaKvMajor;
// The same on warpgroup instructions, SM 90a only.
extern const CudaVariant kCudaKvMajorWgmma;
// The same, with block 0 and each row's two local blocks, where it selected them, computed as the partial results are merged.
extern const CudaVariant kCudaKvNearWgmma;
// Gather, then dense attention: the baseline. Its space is what the baseline is chosen from.
extern const CudaVariant kCudaPackedSdpa;
// The same two for fp32 storage, on the plain arithmetic units.
extern const CudaVariant kCudaQueryMajorFp32;
extern const CudaVariant kCudaPackedSdpaFp32;

// Configs in order of preference for the default; the first that is in the space is it.
std::vector<Config> query_major_defaults(const Problem& problem);
std::vector<Config> query_major_fp32_defaults();
// The best config of packed SDPA that fits. Throws Error{Unsupported} where none does.
Config packed_sdpa_config(const Problem& problem, const Target& target);
Config packed_sdpa_fp32_config(const Problem& problem, const Target& target);

// Fields and names that the units of all variants share.
Unit start_cuda_unit(const Problem& problem, const Config& config);

// One CTA of a query-major kernel.
struct RowBlock {
  int threads = 0;
  int smem_bytes = 0;
  int queries = 1;  // rows
};

// Query-major's launch: rows fastest, groups slowest.
LaunchPlan plan_rows(const Workload& workload, const RowBlock& block);
// Throws Error{Unsupported} where the block's shared memory, with the `maps` of the workload's keys in it, is more than there is.
void require_maps_fit(const Workload& workload, const Config& config, const Target& target, std::int64_t smem_bytes,
                      const char* maps);
// Packed SDPA in any storage type: its template and entries, and the launches chunk by chunk of its workspace.
Unit finish_packed_unit(Unit unit, const Problem& problem, int threads);
LaunchPlan plan_packed_rows(const Workload& workload, const RowBlock& block);

inline constexpr int kWarpThreads = 32;
inline constexpr int kRegistersNoSpill = 240;  // an estimate up to here was never seen to spill

inline std::uint32_t blocks_for(std::int64_t items, std::int64_t per_block) {
  return static_cast<std::uint32_t>((items + per_block - 1) / per_block);
}

}  // namespace nsajit::templates
