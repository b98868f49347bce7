#pragma once
// Bench shapes: the shapes that a benchmark runs on, named by files of tuples, by short forms or by the flags of one tuple.

#include <string>
#include <vector>

#include "cli/sweep_file.h"
#include "cli/tuple_options.h"

namespace nsajit::cli {

struct BenchShapes {
  TupleOptions tuples;
  std::vector<std::string> shapes;  // .toml files, or short forms separated by ';'
};

// --shapes, and the options of a tuple or a sweep.
void add_shape_options(CLI::App& command, BenchShapes& shapes);
// --overlap is of every shape, whatever names them; the other flags of a tuple name one. Throws Error{InvalidArgument} where
// none is named or two ways are mixed.
Sweep read_bench_shapes(const BenchShapes& shapes);

}  // namespace nsajit::cli
