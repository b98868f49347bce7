// Mean pooling on CUDA: chunks of a CTA and threads; the arithmetic of pool_chunks.cuh and pool_tokens.cuh.

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/streaming.h"
#include "templates/pooling/pooling_backends.h"
#include "templates/pooling/pooling_rows.h"

namespace nsajit::templates::pooling {
namespace {

constexpr std::int64_t kMaxGridYz = 65535;

bool keeps_chunks(const Config& config) { return config.variant == kPoolChunks; }
int largest_size(const Problem& problem) { return std::max(problem.dk, problem.dv); }

// Compressed tokens of a CTA.
int tokens_of_cta(const Problem& problem, const Config& config) {
  if (keeps_chunks(config)) return config.at("chunks") - problem.l / problem.d + 1;
  return config.at("threads") * 16 / (largest_size(problem) * static_cast<int>(element_bytes(problem.dtype)));
}

std::int64_t smem_bytes(const Problem& problem, const Config& config) {
  if (!keeps_chunks(config)) return 0;
  return std::int64_t{config.at("chunks")} * largest_size(problem) * static_cast<std::int64_t>(sizeof(float));
}

Config make_tokens_config(const char* variant, int threads) { return {.variant = variant, .values = {{"threads", threads}}}; }

VariantSpace chunks_space(const Problem& problem, const Target& target) {
  VariantSpace space(kPoolChunks);
  space.dimension("chunks", {8, 16, 32, 64}).dimension("threads", {128, 256, 512});
  space
      .require("the chunks of a block hold a whole window", [problem](const Config& c) { return tokens_of_cta(problem, c) >= 1; })
      .require("at most half of a block's chunks are read by the next one too",
               [problem](const Config& c) { return 2 * (problem.l / problem.d - 1) <= c.at("chunks"); })
      .require("shared memory fits", [problem, target](const Config& c) { return smem_bytes(problem, c) <= target.smem_bytes; });
  return space;
}

VariantSpace tokens_space() {
  VariantSpace space(kPoolTokens);
  space.dimension("threads", {128, 256, 512});
  return space;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_streaming_target("pooling", target);
  SearchSpace space;
  space.add(chunks_space(problem, target));
  space.add(tokens_space());
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  check_streaming_target("pooling", target);
  const Config chunks{.variant = kPoolChunks, .values = {{"chunks", 16}, {"threads", 256}}};
  return chunks_space(problem, target).find_violation(chunks) ? make_tokens_config(kPoolTokens, 256) : chunks;
}

Config make_baseline(const Problem&, const Target& target) {
  check_streaming_target("pooling", target);
  return make_tokens_config(kPackedSdpa, 256);
}

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  check_streaming_target("pooling", target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_pooling_args";
  unit.args_header = "nsajit/pooling_args.h";
  unit.template_path = keeps_chunks(config) ? "pooling/pool_chunks.cuh" : "pooling/pool_tokens.cuh";
  unit.entries = {"nsajit_mean_pooling"};
  unit.bodies = {keeps_chunks(config) ? "nsajit::pooling::pool_chunks" : "nsajit::pooling::pool_tokens"};
  unit.bounds = {{.threads = config.at("threads")}};
  unit.fields = {{"dk", problem.dk}, {"dv", problem.dv}, {"l", problem.l}, {"d", problem.d}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target&) {
  if (2 * workload.G > kMaxGridYz || workload.B > kMaxGridYz) {
    throw Error(ErrorCode::Unsupported, fmt::format("launch pooling for {}: B goes up to {}, G to {}; split the batch",
                                                    to_string(workload), kMaxGridYz, kMaxGridYz / 2));
  }
  const std::int64_t in_cta = tokens_of_cta(workload.problem, config);
  // A grid is never empty; where no token is complete its blocks have nothing to do.
  const std::int64_t blocks = std::max<std::int64_t>(1, (launch_tokens(workload).count() + in_cta - 1) / in_cta);
  LaunchPlan plan;
  plan.steps.push_back({.grid = {static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(2 * workload.G),
                                 static_cast<std::uint32_t>(workload.B)},
                        .block = {static_cast<std::uint32_t>(config.at("threads")), 1, 1},
                        .smem_bytes = static_cast<std::uint32_t>(smem_bytes(workload.problem, config))});
  return plan;
}

}  // namespace

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::pooling
