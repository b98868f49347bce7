#pragma once
// Tuple options: --sweep, --problem and one flag per tuple field, shared by every command that takes workloads.

#include <map>
#include <string>
#include <vector>

#include "cli/sweep_file.h"
#include "nsajit/workload.h"

namespace CLI {
class App;
}

namespace nsajit::cli {

struct TupleOptions {
  std::string sweep_path;
  std::string problem_text;                   // "dk=64,dv=64,group=6;B=4,S=2048,G=2"
  std::string selection_path;                 // .npy file of a recorded selection
  std::map<std::string, std::string> fields;  // flags that were given, by field name
};

enum class TupleSource { OneTuple, OneTupleOrSweep };

void add_tuple_options(CLI::App& command, TupleOptions& options, TupleSource source);

// The sweep of --sweep, or the tuple of the flags, each at the overlaps of --overlap; all valid. Throws
// Error{InvalidArgument} where neither is given or both are.
Sweep read_tuples(const TupleOptions& options);

// The same for a command that takes one workload. Throws Error{InvalidArgument} for several overlaps.
struct RecordedTuple {
  Workload workload;
  Recordings recordings;  // that of the workload, or none
};
RecordedTuple read_tuple(const TupleOptions& options);

}  // namespace nsajit::cli
