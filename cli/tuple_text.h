#pragma once
// Tuple text: short forms of a tuple and its sizes for tables; the full text stays in csv and json.

#include <string>

#include "nsajit/workload.h"

namespace nsajit::cli {

std::string short_problem(const Problem& problem);     // "selection bf16 192/128 h16 64x16", "sliding bf16 64/64 h4 w512"
std::string short_workload(const Workload& workload);  // "B1 S8192 G4"; adds S_kv, n, overlap where they say more

}  // namespace nsajit::cli
