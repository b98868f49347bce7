// Gate combine on CUDA: vectors in flight and threads; the arithmetic of gate_rows.cuh.

#include <limits>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/common/streaming.h"
#include "templates/gate/gate_backends.h"

namespace nsajit::templates::gate {
namespace {

constexpr std::int64_t kMaxGridYz = 65535;

Config make_config(const char* variant, int threads, int vectors) {
  return {.variant = variant, .values = {{"threads", threads}, {"vectors", vectors}}};
}

// (query, head) rows of a CTA.
std::int64_t rows_of_cta(const Problem& problem, const Config& config) {
  const std::int64_t row_bytes = problem.dv * static_cast<std::int64_t>(element_bytes(problem.dtype));
  return config.at("threads") * config.at("vectors") / (row_bytes / 16);
}

SearchSpace make_space(const Problem&, const Target& target) {
  check_streaming_target("gate", target);
  VariantSpace space(kGateRows);
  space.dimension("threads", {128, 256, 512}).dimension("vectors", {1, 2, 4});
  SearchSpace all;
  all.add(std::move(space));
  return all;
}

Config make_default(const Problem&, const Target& target) {
  check_streaming_target("gate", target);
  return make_config(kGateRows, 256, 2);
}

Config make_baseline(const Problem&, const Target& target) {
  check_streaming_target("gate", target);
  return make_config(kPackedSdpa, 256, 1);
}

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  check_streaming_target("gate", target);
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_gate_args";
  unit.args_header = "nsajit/gate_args.h";
  unit.template_path = "gate/gate_rows.cuh";
  unit.entries = {"nsajit_gate_combine"};
  unit.bodies = {"nsajit::gate::gate_rows"};
  unit.bounds = {{.threads = config.at("threads")}};
  unit.fields = {
      {"dv", problem.dv}, {"group", problem.group}, {"threads", config.at("threads")}, {"vectors", config.at("vectors")}};
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target&) {
  const std::int64_t rows = workload.S * workload.G * workload.problem.group;
  if (workload.B > kMaxGridYz || rows > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch gate for {}: B goes up to {}, S * G * group up to {}; split the batch", to_string(workload),
                            kMaxGridYz, std::numeric_limits<int>::max()));
  }
  const std::int64_t in_cta = rows_of_cta(workload.problem, config);
  LaunchPlan plan;
  plan.steps.push_back(
      {.grid = {static_cast<std::uint32_t>((rows + in_cta - 1) / in_cta), static_cast<std::uint32_t>(workload.B), 1},
       .block = {static_cast<std::uint32_t>(config.at("threads")), 1, 1}});
  return plan;
}

}  // namespace

const BackendFunctions kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::gate
