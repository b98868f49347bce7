// CPU unit: see the header. A change of the text for the same Unit bumps kGeneratorVersion.

#include "codegen/cpu_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

// Templates are C++ without our types, so the storage type reaches them as a number. The order is the
// templates' contract.
int element_number(const std::string& element) {
  constexpr std::array<std::string_view, 3> names{"bf16", "fp16", "fp32"};
  const auto at = std::ranges::find(names, element);
  if (at == names.end())
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("no CPU template stores elements of type '{}': bf16, fp16 and fp32 are known", element));
  return static_cast<int>(at - names.begin());
}

}  // namespace

Fields cpu_fields(const Unit& unit) {
  Fields fields = unit.fields;
  fields.emplace_back("element", element_number(unit.element));
  return fields;
}

std::string write_cpu_unit(const Unit& unit, std::string_view purpose) {
  std::string text = fmt::format("// {}\n// constants of {}\n", purpose, unit.template_path);
  for (const auto& [name, value] : cpu_fields(unit))
    text += fmt::format("const int nsajit_field_{} = {};\n", name, value);
  for (const std::string& entry : unit.entries) text += fmt::format("// entry {}\n", entry);
  return text;
}

}  // namespace nsajit::codegen
