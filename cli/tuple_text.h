#pragma once
// Tuple text: short forms of a tuple and its sizes for tables; the full text stays in csv and json.

#include <string>

#include "nsajit/workload.h"

namespace nsajit::cli {

std::string short_problem(const Problem& problem);     // "selection bf16 192/128 h16 64x16", "sliding bf16 64/64 h4 w512"
std::string short_sizes(const Workload& workload);     // "B1 S8192 G4"; adds S_kv and n where they say more
std::string short_overlap(const Workload& workload);   // "50 %"; of a recorded selection "37 % recorded 9f0c31d2"
std::string short_workload(const Workload& workload);  // "B1 S8192 G4 overlap50": both, where there is an overlap or a recording

}  // namespace nsajit::cli
