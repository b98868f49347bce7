#pragma once
// Sweep file: the TOML list of tuples that a run tunes or compiles. The door to toml++.
// [tune] strategy, max_trials, budget_s; [defaults] fields of every tuple; [[tuple]] one workload each, or one per overlap
// of a list, or that of a recorded selection: selection = "FILE", relative to the sweep file.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nsajit/recording.h"
#include "nsajit/workload.h"

namespace nsajit::cli {

struct Sweep {
  std::vector<Workload> workloads;  // valid, in file order; a tuple with several overlaps is several
  Recordings recordings;            // those that workloads name
  std::optional<std::string> strategy;
  std::optional<std::int64_t> max_trials;
  std::optional<double> budget_s;
};

// Throws Error{InvalidArgument} with file, line and what was expected: a syntax error, an unknown key, a value of
// another type, an impossible tuple, a recorded selection that is none, a file without tuples or one that cannot be read.
Sweep load_sweep(const std::string& path);
Sweep parse_sweep(std::string_view text, const std::string& path);  // `path`: for messages

}  // namespace nsajit::cli
