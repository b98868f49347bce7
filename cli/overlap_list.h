#pragma once
// Overlap list: one tuple at several overlaps: how "0,50" is read, and how workloads are spread over it.

#include <string_view>
#include <vector>

#include "nsajit/workload.h"

namespace nsajit::cli {

// Throws Error{InvalidArgument} for what is not a list of percentages with commas between.
std::vector<int> parse_overlaps(std::string_view text);

// Each workload once per overlap, in the order of `overlaps`; workloads that differed by their overlap alone fall together.
// None given: as they are. Throws Error{InvalidArgument} for a workload of a recorded selection with another overlap.
std::vector<Workload> spread_overlaps(const std::vector<Workload>& workloads, const std::vector<int>& overlaps);

}  // namespace nsajit::cli
