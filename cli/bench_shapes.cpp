// Bench shapes: see the header.

#include "cli/bench_shapes.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/overlap_list.h"
#include "cli/shape_text.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

// "a;b" -> a, b: shapes have commas of their own.
void read_shape_list(const std::string& text, std::vector<Workload>& workloads) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    if (end > begin) workloads.push_back(parse_shape(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
}

Sweep read_shapes(const std::vector<std::string>& shapes) {
  Sweep all;
  for (const auto& text : shapes) {
    if (!text.ends_with(".toml")) {
      read_shape_list(text, all.workloads);
      continue;
    }
    Sweep sweep = load_sweep(text);
    all.workloads.insert(all.workloads.end(), sweep.workloads.begin(), sweep.workloads.end());
    all.recordings.add(std::move(sweep.recordings));
  }
  if (all.workloads.empty())
    throw Error(ErrorCode::InvalidArgument, "--shapes names no shape; one is S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1");
  return all;
}

}  // namespace

void add_shape_options(CLI::App& command, BenchShapes& shapes) {
  command.add_option("--shapes", shapes.shapes, "A TOML file of tuples, or short forms separated by ';'");
  add_tuple_options(command, shapes.tuples, TupleSource::OneTupleOrSweep);
}

Sweep read_bench_shapes(const BenchShapes& shapes) {
  TupleOptions tuples = shapes.tuples;
  const auto overlap = tuples.fields.extract("overlap");
  const bool by_tuple =
      !tuples.sweep_path.empty() || !tuples.problem_text.empty() || !tuples.fields.empty() || !tuples.selection_path.empty();
  if (by_tuple && !shapes.shapes.empty())
    throw Error(ErrorCode::InvalidArgument, "--shapes and --sweep or the flags of a tuple exclude each other; give one of them");
  Sweep sweep = by_tuple ? read_tuples(tuples) : read_shapes(shapes.shapes);
  if (!overlap.empty()) sweep.workloads = spread_overlaps(sweep.workloads, parse_overlaps(overlap.mapped()));
  return sweep;
}

}  // namespace nsajit::cli
