// Overlap list: see the header.

#include "cli/overlap_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit::cli {

std::vector<int> parse_overlaps(std::string_view text) {
  std::vector<int> overlaps;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    overlaps.push_back(parse_int(trim_blanks(text.substr(begin, end - begin)), "overlap"));
    if (overlaps.back() < 0 || overlaps.back() > 100)
      throw Error(ErrorCode::InvalidArgument, fmt::format("overlap={}: {} is not a percentage; 0..100", text, overlaps.back()));
    begin = end + 1;
  }
  return overlaps;
}

std::vector<Workload> spread_overlaps(const std::vector<Workload>& workloads, const std::vector<int>& overlaps) {
  if (overlaps.empty()) return workloads;
  std::vector<Workload> spread;
  for (Workload workload : workloads) {
    if (workload.selection != 0 && overlaps != std::vector{workload.overlap_percent})
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("overlap={} was given, but a recorded selection has the overlap that is measured of it, {}; leave "
                              "overlap out",
                              overlaps.front(), workload.overlap_percent));
    for (const int overlap : overlaps) {
      workload.overlap_percent = overlap;
      if (std::find(spread.begin(), spread.end(), workload) == spread.end()) spread.push_back(workload);
    }
  }
  return spread;
}

}  // namespace nsajit::cli
