// Query-major and packed SDPA in fp32 on CUDA: what a config takes (the arithmetic of query_major.cuh with
// heads_as_lanes.cuh), units and launches. No tensor cores: arithmetic and bytes weigh about the same at 16 heads.

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/cuda_fp32_footprint.h"
#include "templates/selection/cuda_variants.h"
#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
namespace {

constexpr const char* kName = "query_major_fp32";
constexpr int kMaxThreads = 256;
constexpr int kNamedBarriers = 15;                     // 0 is __syncthreads
constexpr std::int64_t kMinBytesInFlight = 32 * 1024;  // per SM; below it latency, not bandwidth, sets the time

std::int64_t most_bytes_in_flight(const VariantSpace& space, const Problem& problem, const Target& target) {
  std::int64_t most = 0;
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    const Config config = space.at(i);
    if (!space.find_violation(config)) most = std::max(most, fp32_footprint(problem, config, target).bytes_in_flight);
  }
  return most;
}

VariantSpace fp32_space(const Problem& problem, const Target& target) {
  VariantSpace space(kName);
  space.dimension("keys", {8, 16, 32})
      .dimension("stages", {2, 3})
      .dimension("queries", {1, 2, 4, 8})
      .dimension("key_warps", {1, 2, 4})
      .dimension("through_l1", {0, 1});
  const auto with = [problem, target](auto holds) {
    return [problem, target, holds](const Config& config) { return holds(fp32_footprint(problem, config, target)); };
  };
  space.require("a row alone in its block shares nothing through L1; neighbours do",
                [](const Config& c) { return (c.at("queries") > 1) == (c.at("through_l1") != 0); });
  space.require(fmt::format("at most {} threads per block", kMaxThreads),
                with([](const Fp32Footprint& f) { return f.threads <= kMaxThreads; }));
  space.require("shared memory of a block fits",
                with([target](const Fp32Footprint& f) { return f.smem_bytes <= target.smem_bytes; }));
  space.require("registers of a thread fit without spilling",
                with([](const Fp32Footprint& f) { return f.registers <= kRegistersNoSpill; }));
  space.require("15 named barriers per block", with([](const Fp32Footprint& f) { return f.barriers <= kNamedBarriers; }));
  space.require("one block fits an SM", with([](const Fp32Footprint& f) { return f.blocks_per_sm >= 1; }));
  const std::int64_t wanted = std::min(kMinBytesInFlight, most_bytes_in_flight(space, problem, target) / 2);
  space.require(fmt::format("at least {} bytes in flight per SM, to cover the latency of L2", wanted),
                with([wanted](const Fp32Footprint& f) { return f.bytes_in_flight >= wanted; }));
  return space;
}

Unit start_unit(const Problem& problem, const Config& config, const Target& target) {
  Unit unit = start_cuda_unit(problem, config);
  unit.fields.emplace_back("heads", fp32_footprint(problem, config, target).heads);
  return unit;
}

Unit fp32_unit(const Problem& problem, const Config& config, const Target& target) {
  Unit unit = start_unit(problem, config, target);
  unit.template_path = "selection/query_major.cuh";
  unit.entries = {"selection_query_major_fp32"};
  unit.bodies = {"nsajit::selection::query_major"};
  unit.bounds = {{.threads = fp32_footprint(problem, config, target).threads}};
  return unit;
}

LaunchPlan fp32_plan(const Workload& workload, const Config& config, const Target& target) {
  const Fp32Footprint f = fp32_footprint(workload.problem, config, target);
  return plan_rows(workload, {.threads = f.threads, .smem_bytes = f.smem_bytes, .queries = config.at("queries")});
}

Unit packed_unit(const Problem& problem, const Config& config, const Target& target) {
  return finish_packed_unit(start_unit(problem, config, target), problem, fp32_footprint(problem, config, target).threads);
}

LaunchPlan packed_plan(const Workload& workload, const Config& config, const Target& target) {
  const Fp32Footprint f = fp32_footprint(workload.problem, config, target);
  return plan_packed_rows(workload, {.threads = f.threads, .smem_bytes = f.smem_bytes, .queries = config.at("queries")});
}

Config make_config(const char* variant, int keys, int stages, int queries, int key_warps) {
  return {.variant = variant,
          .values = {{"keys", keys},
                     {"stages", stages},
                     {"queries", queries},
                     {"key_warps", key_warps},
                     {"through_l1", queries > 1 ? 1 : 0}}};
}

}  // namespace

// Many neighbouring rows in a block, as for 16-bit storage; short tiles where long ones do not fit.
std::vector<Config> query_major_fp32_defaults() {
  std::vector<Config> configs;
  for (const int stages : {2, 3})
    for (const int queries : {8, 4, 2, 1})
      for (const int keys : {16, 8})
        for (const int key_warps : {1, 2}) configs.push_back(make_config(kName, keys, stages, queries, key_warps));
  return configs;
}

// One row per block, its warps spread over the keys: packed rows share nothing.
Config packed_sdpa_fp32_config(const Problem& problem, const Target& target) {
  const VariantSpace space = fp32_space(problem, target);
  for (const int key_warps : {4, 2, 1})
    for (const int keys : {16, 8})
      for (const int stages : {3, 2})
        if (!space.find_violation(make_config(kName, keys, stages, 1, key_warps)))
          return make_config(kPackedSdpa, keys, stages, 1, key_warps);
  throw Error(ErrorCode::Unsupported,
              fmt::format("packed SDPA on {} for {}: no tile fits its {} bytes of shared memory per block", target.name,
                          to_string(problem), target.smem_bytes));
}

const CudaVariant kCudaQueryMajorFp32{kName, fp32_space, fp32_unit, fp32_plan};
const CudaVariant kCudaPackedSdpaFp32{kPackedSdpa, fp32_space, packed_unit, packed_plan};

}  // namespace nsajit::templates
