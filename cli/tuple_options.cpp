// Tuple options: flags are made from the table of fields, so that a new field is a flag at once.

#include "cli/tuple_options.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/overlap_list.h"
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

// One tuple, without the overlaps of the command line.
Sweep read_flags(const TupleOptions& options, const std::map<std::string, std::string>& fields, bool given) {
  if (!given) {
    throw Error(ErrorCode::InvalidArgument,
                "no tuple given; use --sweep FILE where the command has it, --problem TEXT, or flags such as "
                "--dtype bf16 --dk 128 --dv 128 --group 4 --S 8192 --G 8");
  }
  TupleBuilder builder(options.problem_text);
  for (const auto& [name, value] : fields) builder.set(name, value);
  Sweep sweep;
  if (options.selection_path.empty()) {
    sweep.workloads.push_back(builder.build());
    validate(sweep.workloads.back());
  } else {
    sweep.workloads.push_back(builder.build(sweep.recordings.add(load_recording(options.selection_path))));
  }
  return sweep;
}

}  // namespace

void add_tuple_options(CLI::App& command, TupleOptions& options, TupleSource source) {
  const std::string group = "Tuple";
  if (source == TupleSource::OneTupleOrSweep) {
    command.add_option("--sweep", options.sweep_path, "TOML file of tuples: sweeps/quick.toml, sweeps/users.toml")->group(group);
  }
  command.add_option("--problem", options.problem_text, "One tuple as text: dk=64,dv=64,group=6;B=4,S=2048,G=2")->group(group);
  command
      .add_option("--selection", options.selection_path,
                  "Recorded selection, an int32 .npy file: ranges [B,S,G,n,2] or block_indices [B,S,G,n]; decides B, S, G, n")
      ->group(group);
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
  auto fields = options.fields;
  const auto overlap = fields.extract("overlap");
  const auto overlaps = overlap.empty() ? std::vector<int>() : parse_overlaps(overlap.mapped());
  const bool one = !options.problem_text.empty() || !fields.empty() || !options.selection_path.empty();
  if (!options.sweep_path.empty() && one) {
    throw Error(ErrorCode::InvalidArgument,
                "--sweep and the flags of one tuple exclude each other; give one of them (only --overlap "
                "goes with both; a sweep file names recorded selections itself: selection = \"FILE\")");
  }
  Sweep sweep =
      options.sweep_path.empty() ? read_flags(options, fields, one || !overlaps.empty()) : load_sweep(options.sweep_path);
  sweep.workloads = spread_overlaps(sweep.workloads, overlaps);
  for (const Workload& workload : sweep.workloads)
    if (workload.selection != 0) sweep.recordings.get(workload.selection);  // a digest alone, in --problem, names no rows
  return sweep;
}

RecordedTuple read_tuple(const TupleOptions& options) {
  Sweep sweep = read_tuples(options);
  if (sweep.workloads.size() != 1)
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--overlap names {} overlaps; this command takes one", sweep.workloads.size()));
  return {.workload = sweep.workloads.front(), .recordings = std::move(sweep.recordings)};
}

}  // namespace nsajit::cli
