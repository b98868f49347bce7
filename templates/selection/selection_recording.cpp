// Selection recording: rows are (b, s, g) in the file as in a launch; only the number of entries may differ.

#include "templates/selection/selection_recording.h"

#include <algorithm>
#include <climits>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "nsajit/selection_overlap.h"
#include "templates/selection/selection_layout.h"
#include "templates/selection/selection_row_check.h"

namespace nsajit::templates {
namespace {

[[noreturn]] void refuse(const Recording& recording, const std::string& why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("recorded selection {}: {}", recording.path, why));
}

// What the dimensions of a recording say.
struct RecordedSizes {
  std::int64_t B = 1, S = 1, G = 1;
  int n = 1;
  SelectionInput input = SelectionInput::Ranges;
};

RecordedSizes read_sizes(const Recording& recording) {
  const auto& shape = recording.sel.spec.shape;
  return {.B = shape[0],
          .S = shape[1],
          .G = shape[2],
          .n = static_cast<int>(std::min<std::int64_t>(shape[3], INT_MAX)),
          .input = shape.size() == 5 ? SelectionInput::Ranges : SelectionInput::Blocks};
}

void check_sizes(const Workload& w, const Recording& recording) {
  const RecordedSizes sizes = read_sizes(recording);
  if (sizes.B == w.B && sizes.S == w.S && sizes.G == w.G && sizes.n >= w.n && sizes.input == w.problem.input) return;
  refuse(recording, fmt::format("it has B={}, S={}, G={}, n={} and {}, which do not serve {}", sizes.B, sizes.S, sizes.G, sizes.n,
                                to_string(sizes.input), to_string(w)));
}

const std::int32_t* row_entries(const Workload& w, const Recording& recording, std::int64_t row) {
  return reinterpret_cast<const std::int32_t*>(recording.sel.data.data()) +
         row * recording.sel.spec.shape[3] * entry_ints(w.problem);
}

// The entries of each pair's two rows, as estimate_overlap takes them.
int measure_overlap(const Workload& w, const Recording& recording) {
  if (has_packed_sequences(w)) return 0;  // a workload that validate() refuses: its rows are not those of the file
  const auto pairs = pick_row_pairs(w);
  std::vector<std::int32_t> entries;
  const std::int64_t ints = std::int64_t{w.n} * entry_ints(w.problem);
  for (const RowPair& pair : pairs) {
    for (const std::int64_t row : {pair.before, pair.row}) {
      const std::int32_t* const begin = row_entries(w, recording, row);
      entries.insert(entries.end(), begin, begin + ints);
    }
  }
  return estimate_overlap(w, pairs, entries);
}

}  // namespace

Workload make_recorded_workload(const Workload& base, const Recording& recording) {
  const RecordedSizes sizes = read_sizes(recording);
  Workload workload = base;
  workload.problem.input = sizes.input;
  workload.B = sizes.B;
  workload.S = sizes.S;
  workload.G = sizes.G;
  workload.n = sizes.n;
  workload.selection = recording.digest;
  workload.overlap_percent = measure_overlap(workload, recording);
  return workload;
}

void check_recording(const Workload& w, const Recording& recording) {
  check_sizes(w, recording);
  const int recorded = read_sizes(recording).n;
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
    const auto [b, s, g] = split_row(w, row);
    const std::string fault = find_row_fault(w.problem, {.b = b,
                                                         .s = s,
                                                         .g = g,
                                                         .position = query_position(w, s),
                                                         .keys = w.S_kv,
                                                         .entries = row_entries(w, recording, row),
                                                         .n = recorded});
    if (!fault.empty()) refuse(recording, fault);
  }
}

void copy_recording(const Workload& w, const Recording& recording, HostTensor& sel) {
  check_sizes(w, recording);
  const std::int64_t ints = std::int64_t{w.n} * entry_ints(w.problem);
  auto* to = reinterpret_cast<std::int32_t*>(sel.data.data());
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row, to += ints) std::copy_n(row_entries(w, recording, row), ints, to);
}

double count_recorded_tokens(const Workload& w, const Recording& recording) {
  check_sizes(w, recording);
  std::int64_t tokens = 0;
  for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
    const std::int64_t position = query_position(w, split_row(w, row).s);
    tokens += static_cast<std::int64_t>(selected_tokens(w, row_entries(w, recording, row), position).size());
  }
  return static_cast<double>(tokens);
}

}  // namespace nsajit::templates
