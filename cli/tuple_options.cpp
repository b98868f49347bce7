// Tuple options: flags are made from the table of fields, so that a new field is a flag at once.

#include "cli/tuple_options.h"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/tuple_fields.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

// "l_sel" -> "--l-sel,--l_sel"; one-letter names keep both dashes: "--B".
std::string flag_names(std::string_view field) {
  std::string dashed(field);
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  if (dashed == field) return fmt::format("--{}", field);
  return fmt::format("--{},--{}", dashed, field);
}

}  // namespace

void add_tuple_options(CLI::App& command, TupleOptions& options, TupleSource source) {
  const std::string group = "Tuple";
  if (source == TupleSource::OneTupleOrSweep) {
    command.add_option("--sweep", options.sweep_path, "TOML file of tuples: sweeps/quick.toml, sweeps/users.toml")->group(group);
  }
  command.add_option("--problem", options.problem_text, "One tuple as text: dk=64,dv=64,group=6;B=4,S=2048,G=2")->group(group);
  for (const auto& field : tuple_fields()) {
    const std::string name(field.name);
    command
        .add_option_function<std::string>(
            flag_names(field.name), [&options, name](const std::string& value) { options.fields[name] = value; },
            std::string(field.help))
        ->group(group)
        ->type_name(field.number ? "INT" : "WORD");
  }
}

Sweep read_tuples(const TupleOptions& options) {
  const bool one = !options.problem_text.empty() || !options.fields.empty();
  if (!options.sweep_path.empty() && one) {
    throw Error(ErrorCode::InvalidArgument, "--sweep and the flags of one tuple exclude each other; give one of them");
  }
  if (!options.sweep_path.empty()) return load_sweep(options.sweep_path);
  if (!one) {
    throw Error(ErrorCode::InvalidArgument,
                "no tuple given; use --sweep FILE where the command has it, --problem TEXT, or flags such as "
                "--dtype bf16 --dk 128 --dv 128 --group 4 --S 8192 --G 8");
  }
  TupleBuilder builder;
  if (!options.problem_text.empty()) {
    const bool keys = options.problem_text.find("S_kv=") != std::string::npos;
    const bool blocks =
        options.problem_text.find(";n=") != std::string::npos || options.problem_text.find(",n=") != std::string::npos;
    builder = TupleBuilder(parse_workload(options.problem_text), {.keys_given = keys, .blocks_given = blocks});
  }
  for (const auto& [name, value] : options.fields) builder.set(name, value);
  const Workload workload = builder.build();
  validate(workload);
  return {.workloads = {workload}};
}

}  // namespace nsajit::cli
