// Mean pooling on the CPU: whether sums of d tokens are kept, the width of a vector and the tokens of a task.

#include "templates/common/cpu_blocks.h"
#include "templates/pooling/pooling_backends.h"
#include "templates/pooling/pooling_rows.h"

namespace nsajit::templates::pooling {
namespace {

constexpr int kTaskTokens = 32;

bool keeps_chunks(const Config& config) { return config.variant == kPoolChunks; }

// Sums of the last l/d chunks of K and V.
std::int64_t kept_bytes(const Problem& problem) {
  return std::int64_t{problem.l / problem.d} * (problem.dk + problem.dv) * static_cast<std::int64_t>(sizeof(float));
}

Config make_config(const char* variant, int width, int tokens) {
  return {.variant = variant, .values = {{"tokens", tokens}, {"width", width}}};
}

VariantSpace make_variant(const char* name, const Target& target) {
  VariantSpace space(name);
  space.dimension("width", {8, 16}).dimension("tokens", {8, kTaskTokens, 128});
  require_vector_width(space, target);
  return space;
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target("pooling", problem, target);
  VariantSpace chunks = make_variant(kPoolChunks, target);
  chunks.require("windows overlap: a token is in more than one", [problem](const Config&) { return problem.l > problem.d; });
  chunks.require("the kept sums fit in half of a thread's L2 (256 KiB)",
                 [problem](const Config&) { return kept_bytes(problem) <= kMaxScratchBytes; });
  SearchSpace space;
  space.add(std::move(chunks));
  space.add(make_variant(kPoolTokens, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  const Config config = make_config(kPoolChunks, best_width(target), kTaskTokens);
  if (!make_space(problem, target).find_violation(config)) return config;
  return make_config(kPoolTokens, best_width(target), kTaskTokens);
}

Config make_baseline(const Problem& problem, const Target& target) {
  check_cpu_target("pooling", problem, target);
  return make_config(kPackedSdpa, best_width(target), kTaskTokens);
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit;
  unit.template_path = "pooling/pooling_cpu.bc";
  unit.entries = {"mean_pooling"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_pooling_args";
  unit.args_header = "nsajit/pooling_args.h";
  unit.fields = {{"dk", problem.dk}, {"dv", problem.dv}, {"l", problem.l}, {"d", problem.d}};
  unit.fields.emplace_back("width", config.at("width"));
  unit.fields.emplace_back("reuse", keeps_chunks(config) ? 1 : 0);
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  const std::int64_t tokens = workload.B * workload.G * launch_tokens(workload).count();
  const std::int64_t scratch = keeps_chunks(config) ? kept_bytes(workload.problem) : 0;
  return {.steps = {make_cpu_step(tokens, config.at("tokens"), 1, target, scratch)}, .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::pooling
