// Gate combine on the CPU: the width of a vector and the rows of a task.

#include "templates/common/cpu_blocks.h"
#include "templates/gate/gate_backends.h"

namespace nsajit::templates::gate {
namespace {

constexpr int kTaskRows = 64;

Config make_config(const char* variant, int width, int rows) {
  return {.variant = variant, .values = {{"rows", rows}, {"width", width}}};
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  check_cpu_target("gate", problem, target);
  VariantSpace space(kGateRows);
  space.dimension("width", {8, 16}).dimension("rows", {16, kTaskRows, 256});
  require_vector_width(space, target);
  SearchSpace all;
  all.add(std::move(space));
  return all;
}

Config make_default(const Problem& problem, const Target& target) {
  check_cpu_target("gate", problem, target);
  return make_config(kGateRows, best_width(target), kTaskRows);
}

Config make_baseline(const Problem& problem, const Target& target) {
  check_cpu_target("gate", problem, target);
  return make_config(kPackedSdpa, 8, kTaskRows);
}

Unit make_unit(const Problem& problem, const Config& config, const Target&) {
  Unit unit;
  unit.template_path = "gate/gate_cpu.bc";
  unit.entries = {"gate_combine"};
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_gate_args";
  unit.args_header = "nsajit/gate_args.h";
  unit.fields = {{"dv", problem.dv}, {"group", problem.group}, {"width", config.at("width")}};
  return unit;
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  return {.steps = {make_cpu_step(workload.B * workload.S * workload.G, config.at("rows"), 1, target, 0)}, .workspace_bytes = 0};
}

}  // namespace

const BackendFunctions kCpuFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

}  // namespace nsajit::templates::gate
