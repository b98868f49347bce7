// CUDA unit: see the header. A change of the text for the same Unit bumps kGeneratorVersion.

#include "codegen/cuda_unit.h"

#include <fmt/format.h>

#include "core/assert.h"

namespace nsajit::codegen {
namespace {

std::string fields_struct(const Unit& unit) {
  std::string text = fmt::format("namespace {{\nstruct Fields {{\n  using element = nsajit::{};\n", unit.element);
  for (const auto& [name, value] : unit.fields) text += fmt::format("  static constexpr int {} = {};\n", name, value);
  return text + "};\n}  // namespace\n";
}

std::string entry_function(const Unit& unit, std::size_t index) {
  const int cluster = unit.bounds[index].cluster;
  return fmt::format(
      "\nextern \"C\" __global__ void __launch_bounds__({}, {}){}\n"
      "{}(const __grid_constant__ {} args, const long long first_row) {{\n"
      "  {}<Fields>(args, first_row);\n"
      "}}\n",
      unit.bounds[index].threads, unit.bounds[index].blocks_per_sm,
      cluster > 1 ? fmt::format(" __cluster_dims__({}, 1, 1)", cluster) : "", unit.entries[index], unit.args_type,
      unit.bodies[index]);
}

}  // namespace

std::string write_cuda_unit(const Unit& unit, std::string_view purpose) {
  NSAJIT_ASSERT(!unit.entries.empty() && unit.entries.size() == unit.bodies.size(), "each CUDA entry calls one body");
  NSAJIT_ASSERT(unit.bounds.size() == unit.entries.size(), "each CUDA entry has its launch bounds");
  std::string text = fmt::format("// {}\n#include \"{}\"\n#include \"{}\"\n\n", purpose, unit.args_header, unit.template_path);
  text += fields_struct(unit);
  for (std::size_t index = 0; index < unit.entries.size(); ++index) text += entry_function(unit, index);
  return text;
}

}  // namespace nsajit::codegen
