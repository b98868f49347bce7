// The decode step on CUDA: what configs of decode_step.cuh take (the same sizes as there), the unit and the launch. Logits lie
// in shared memory where they fit, else in the workspace. The baseline is the same kernel with a fixed config.

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/decode/decode_backends.h"
#include "templates/decode/decode_op.h"

namespace nsajit::templates::decode {
namespace {

constexpr const char* kSingle = "decode_single";
constexpr const char* kCluster = "decode_cluster";
constexpr int kMostHeads = 16;  // rows of a fragment
constexpr int kBranches = 3;
constexpr std::int64_t kWorthwhile = 200;  // tokens of a CTA
constexpr std::int64_t kMaxGrid = std::numeric_limits<std::int32_t>::max();

int cluster_size(const Config& config) { return config.values.contains("cluster") ? config.at("cluster") : 1; }

std::int64_t round_up(std::int64_t value, std::int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Floats between the logits of two heads of a CTA's keys, where sequences have up to `tokens` tokens.
std::int64_t logits_pitch(const Problem& p, const Config& config, std::int64_t tokens) {
  const std::int64_t keys = (tokens + p.d - 1) / p.d, unit = std::lcm(config.at("keys"), p.l_sel / p.d);
  const std::int64_t chunk = round_up((keys + cluster_size(config) - 1) / cluster_size(config), unit);
  return round_up(round_up(p.l / p.d - 1, 8) + chunk, 32) + 8;
}

std::int64_t logits_bytes(const Problem& p, const Config& config, std::int64_t tokens) {
  return 4 * p.group * logits_pitch(p, config, tokens);
}

// Everything but logits: DecodeShared.
std::int64_t smem_bytes(const Problem& p, const Config& config) {
  const std::int64_t warps = config.at("warps"), ctas = cluster_size(config), keys = config.at("keys");
  const bool few = p.n_sel <= 32;
  const std::int64_t list = few ? std::bit_ceil(static_cast<unsigned>(p.n_sel)) : p.n_sel;
  const std::int64_t offering = few ? std::clamp<std::int64_t>(256 / (ctas * list), 1, warps) : 1;
  const std::int64_t tile = keys * (2 * (p.dk + p.dv) + 32), partial = kMostHeads * (p.dv + 8) * 4;
  const std::int64_t share = (p.group * p.dv / 8 + ctas - 1) / ctas, room = 32 * ((p.n_sel + 31) / 32 + 1);
  const std::int64_t parts = std::max<std::int64_t>(kBranches * ctas * share * 32, kMostHeads * (2 * p.dk + 16));
  return warps * config.at("stages") * std::max(tile, partial) + parts + kBranches * (ctas + warps) * kMostHeads * 8 +
         (1 + kBranches) * kMostHeads * 4 + 8 * room * offering + 8 * round_up(ctas * offering * list, 32) +
         round_up(p.n_sel * 4, 16) + round_up(warps * 4, 16) + 32 + round_up(warps * config.at("stages") * 8, 16);
}

void require_supported(const Problem& problem, const Target& target) {
  if (const std::string obstacle = find_obstacle(problem, target); !obstacle.empty())
    throw Error(ErrorCode::Unsupported, obstacle);
}

void add_dimensions(VariantSpace& space) {
  space.dimension("warps", {4, 8})
      .dimension("stages", {1, 2, 3, 4})
      .dimension("keys", {16, 32})
      .dimension("bulk", {0, 1})    // tiles are copied by the copy engine
      .dimension("spill", {0, 1});  // logits go to the workspace though they fit: more blocks at a time
}

void require_common(VariantSpace& space, const Problem& problem, const Target& target) {
  space.require("a warp's partial results are worth a block",
                [](const Config& c) { return c.at("warps") * c.at("keys") <= 256; });
  space.require("shared memory of a block fits",
                [problem, target](const Config& c) { return smem_bytes(problem, c) <= target.smem_bytes; });
  space.require("the copy engine exists from SM 90 on",
                [target](const Config& c) { return c.at("bulk") == 0 || target.arch >= 90; });
  space.require("counts of the blocks kept take ten bits", [problem](const Config&) { return problem.n_sel <= 960; });
}

VariantSpace single_space(const Problem& problem, const Target& target) {
  VariantSpace space(kSingle);
  add_dimensions(space);
  require_common(space, problem, target);
  return space;
}

VariantSpace cluster_space(const Problem& problem, const Target& target) {
  VariantSpace space(kCluster);
  space.dimension("cluster", {2, 4, 8, 16});
  add_dimensions(space);
  space.require("clusters of blocks exist from SM 90 on", [target](const Config&) { return target.arch >= 90; });
  space.require("clusters of 16 blocks exist on the chips of data centres",
                [target](const Config& c) { return c.at("cluster") <= 8 || target.arch < 120; });
  require_common(space, problem, target);
  return space;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  require_supported(problem, target);
  SearchSpace space;
  space.add(single_space(problem, target));
  space.add(cluster_space(problem, target));
  return space;
}

// The first of the known good configs that fits. One for all sizes: a cluster of 16 is up to twice as fast for one sequence, a
// single block with its logits in the workspace for a batch of long ones. `nsajit tune` knows the sizes.
Config choose(const Problem& problem, const Target& target) {
  const SearchSpace space = make_space(problem, target);
  for (const int stages : {2, 1})
    for (const auto& [cluster, warps] : {std::pair{4, 4}, {0, 8}, {0, 4}}) {
      Config config{.variant = cluster > 0 ? kCluster : kSingle,
                    .values = {{"warps", warps}, {"stages", stages}, {"keys", 16}, {"bulk", 0}, {"spill", 0}}};
      if (cluster > 0) config.values["cluster"] = cluster;
      if (!space.find_violation(config)) return config;
    }
  throw Error(ErrorCode::Unsupported,
              fmt::format("decode on {} for {}: no tile fits {} bytes of shared memory per block; launch the branches one by one",
                          target.name, to_string(problem), target.smem_bytes));
}

Config make_default(const Problem& problem, const Target& target) { return choose(problem, target); }

Config make_baseline(const Problem& problem, const Target& target) {
  Config config = choose(problem, target);
  config.variant = kPackedSdpa;
  return config;
}

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(problem, target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_decode_args";
  unit.args_header = "nsajit/decode_args.h";
  unit.template_path = "decode/decode_step.cuh";
  unit.entries = {"nsajit_decode_step"};
  unit.bodies = {"nsajit::decode::decode_step"};
  unit.bounds = {{.threads = 32 * config.at("warps"), .cluster = cluster_size(config)}};
  unit.fields = {{"dk", problem.dk},
                 {"dv", problem.dv},
                 {"group", problem.group},
                 {"l", problem.l},
                 {"d", problem.d},
                 {"l_sel", problem.l_sel},
                 {"n_sel", problem.n_sel},
                 {"w", problem.w},
                 {"warps", config.at("warps")},
                 {"stages", config.at("stages")},
                 {"keys", config.at("keys")},
                 {"cluster", cluster_size(config)},
                 {"bulk", config.at("bulk")}};
  return unit;
}

LaunchPlan make_plan(const Workload& w, const Config& config, const Target& target) {
  const std::int64_t ctas = cluster_size(config), blocks = w.B * w.G * ctas, logits = logits_bytes(w.problem, config, w.S_kv);
  if (blocks > kMaxGrid)
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch decode for {}: {} blocks; up to {} can be; split the batch", to_string(w), blocks, kMaxGrid));
  const std::int64_t smem = smem_bytes(w.problem, config);
  const bool fits = config.at("spill") == 0 && smem + logits <= target.smem_bytes;
  LaunchPlan plan;
  if (!fits) plan.workspace_bytes = blocks * logits;
  plan.steps.push_back({.grid = {static_cast<std::uint32_t>(blocks), 1, 1},
                        .block = {static_cast<std::uint32_t>(32 * config.at("warps")), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(fits ? smem + logits : smem)});
  return plan;
}

}  // namespace

std::string find_obstacle(const Problem& problem, const Target& target) {
  if (target.arch < 80)
    return fmt::format("decode on {}: the kernels need SM 80 or newer (bf16 mma and cp.async), this is SM {}", target.name,
                       target.arch);
  if (problem.dtype == DType::FP32 || problem.group > kMostHeads)
    return fmt::format(
        "decode on {} for {}: CUDA kernels read bf16 or fp16 and take up to {} query heads per KV head; launch "
        "the branches one by one, or take --device cpu",
        target.name, to_string(problem), kMostHeads);
  return "";
}

std::optional<Config> choose_config(const Workload& w, const Target& target) {
  const Problem& p = w.problem;
  if (!find_obstacle(p, target).empty()) return std::nullopt;
  const std::int64_t rows = w.B * w.G, processors = std::max(target.processors, 1);
  const std::int64_t tokens = actual_decode_reads(p, w.S_kv, w.n).total();
  const int most = target.arch < 90 ? 1 : target.arch < 120 ? 16 : 8;
  int cluster = 1;
  while (2 * cluster <= most && rows * 2 * cluster <= processors && tokens >= kWorthwhile * 2 * cluster) cluster *= 2;
  const bool many = rows > processors;
  for (const int stages : {2, 1})
    for (const int warps : {many ? 4 : 8, 4}) {
      Config config{.variant = cluster > 1 ? kCluster : kSingle,
                    .values = {{"warps", warps}, {"stages", stages}, {"keys", 16}, {"bulk", 0}, {"spill", many ? 1 : 0}}};
      if (cluster > 1) config.values["cluster"] = cluster;
      if (smem_bytes(p, config) <= target.smem_bytes) return config;
    }
  return std::nullopt;
}

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::decode
