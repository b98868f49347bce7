// Writes the fields of a CPU unit as C++ constants: <problem> <config> <output file>. A build step of the tests.

#include <cstdio>
#include <exception>
#include <fstream>

#include <fmt/format.h>

#include "nsajit/op.h"
#include "tests/templates/fields_config.h"

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  const nsajit::Problem problem = nsajit::parse_problem(argv[1]);
  const nsajit::Config config = nsajit::templates_test::fields_config(problem, argv[2]);
  const nsajit::Unit unit = nsajit::find_op(problem).unit(problem, config, nsajit::templates_test::cpu_target(16));
  std::ofstream file(argv[3]);
  file << "#define NSAJIT_FIELDS_GIVEN 1\n#define " << unit.entries.front() << " NSAJIT_ENTRY\n";
  file << fmt::format("constexpr int nsajit_field_element = {};\n", static_cast<int>(problem.dtype));
  for (const auto& [name, value] : unit.fields) file << fmt::format("constexpr int nsajit_field_{} = {};\n", name, value);
  return file.flush() ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "write_cpu_fields: %s\n", error.what());
  return 1;
}
